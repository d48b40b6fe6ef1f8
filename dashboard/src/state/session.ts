import { signal } from '@preact/signals';

const name = 'gravitas-telemetry-key';

/** The key that this tab reads with. It outlives the tab only where one asked for that. */
export const key = signal(sessionStorage.getItem(name) ?? localStorage.getItem(name) ?? '');

/** Whether the collector asked for a key, or for another one. */
export const isKeyAsked = signal(false);

export function signIn(secret: string, isRemembered: boolean): void {
  (isRemembered ? localStorage : sessionStorage).setItem(name, secret);
  key.value = secret;
  isKeyAsked.value = false;
}

export function signOut(): void {
  sessionStorage.removeItem(name);
  localStorage.removeItem(name);
  key.value = '';
  isKeyAsked.value = true;
}
