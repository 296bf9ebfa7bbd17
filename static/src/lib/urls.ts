/** Addresses that somebody else wrote: what may be followed, and how it is shown. */

/** `text` as an address the page may lead to; `null` unless it is plain http(s) with a host and no credentials. */
export function webAddress(text: string | null | undefined): URL | null {
  if (typeof text !== 'string' || !/^https?:\/\//i.test(text)) return null;
  try {
    const url = new URL(text);
    const plain = url.protocol === 'http:' || url.protocol === 'https:';
    // `https://bank.example@evil.example` is meant to be misread.
    return plain && url.host !== '' && url.username === '' && url.password === '' ? url : null;
  } catch {
    return null;
  }
}
