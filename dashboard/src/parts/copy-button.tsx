import { useEffect, useState } from 'preact/hooks';
import { Icon } from './icon.tsx';

/** Copies what `text` gives. Not there where the page came without TLS from elsewhere: nothing can be copied. */
export function CopyButton(props: { class: string; label: string; text: string }) {
  const [isCopied, setCopied] = useState(false);
  useEffect(() => setCopied(false), [props.text]);
  if (!navigator.clipboard) return null;
  const copy = async () => {
    await navigator.clipboard.writeText(props.text);
    setCopied(true);
  };
  return (
    <button type="button" class={props.class} onClick={copy}>
      <Icon name="copy" />
      {isCopied ? 'Copied' : props.label}
    </button>
  );
}
