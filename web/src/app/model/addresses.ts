/** The search for web addresses in a text. */

export interface Part {
  readonly text: string;
  /** Where it leads; undefined for what is no address. */
  readonly href: string | undefined;
}

// Up to a space, a quotation mark or bracket of markup, or a sign that turns the direction of what
// is shown after it, so that no address looks like another one.
const ADDRESS = /https?:\/\/[^\s<>"\p{Cc}\p{Cf}]+/giu;
const SENTENCE_END = /[.,:;!?'*_)\]}»«”’]+$/u;

/**
 * The text in parts, in order and complete. An address with a user's name before the host
 * (https://bank.example@elsewhere.example) leads elsewhere than it seems, and stays text.
 */
export function partsOf(text: string): Part[] {
  const parts: Part[] = [];
  let end = 0;
  for (const { 0: found, index } of text.matchAll(ADDRESS)) {
    const address = withoutSentenceEnd(found);
    if (!leadsWhereItSays(address)) continue;
    if (index > end) parts.push({ text: text.slice(end, index), href: undefined });
    parts.push({ text: address, href: address });
    end = index + address.length;
  }
  if (end < text.length) parts.push({ text: text.slice(end), href: undefined });
  return parts;
}

/** A bracket that the address itself has opened belongs to it. */
function withoutSentenceEnd(found: string): string {
  const shortest = found.replace(SENTENCE_END, "");
  const closes = found.slice(shortest.length).startsWith(")");
  const opened = shortest.split("(").length > shortest.split(")").length;
  return closes && opened ? `${shortest})` : shortest;
}

function leadsWhereItSays(address: string): boolean {
  if (!URL.canParse(address)) return false;
  const { host, username, password } = new URL(address);
  return host !== "" && username === "" && password === "";
}
