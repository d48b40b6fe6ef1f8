import { signal } from '@preact/signals';

const name = 'gravitas-telemetry-theme';
const system = matchMedia('(prefers-color-scheme: dark)');

type Theme = 'light' | 'dark';

/** What is painted: as the system has it, until one chooses. */
export const theme = signal<Theme>(readTheme());

function readTheme(): Theme {
  const chosen = localStorage.getItem(name);
  if (chosen === 'light' || chosen === 'dark') {
    document.documentElement.dataset.theme = chosen;
    return chosen;
  }
  return system.matches ? 'dark' : 'light';
}

export function switchTheme(): void {
  const next = theme.value === 'dark' ? 'light' : 'dark';
  localStorage.setItem(name, next);
  document.documentElement.dataset.theme = next;
  theme.value = next;
}

system.addEventListener('change', () => {
  theme.value = readTheme();
});
