/**
 * Writes a text so that every reader of YAML, 1.1 or 1.2, and of JSON takes it for that text and for nothing else.
 * JSON's escapes are YAML's too, but for `\/`, which is never needed.
 */
export function quote(text: string): string {
  return JSON.stringify(text).replaceAll(/[\u007f-\uffff]/g, escapeUnit);
}

/** Letters stay readable; what is not seen, or breaks a line in YAML 1.1, is escaped. */
function escapeUnit(unit: string): string {
  return /[\p{L}\p{N}\p{P}\p{S}\p{Cs}]/u.test(unit) ? unit : `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

export function flowList(items: readonly string[]): string {
  return `[${items.map(quote).join(", ")}]`;
}

/** The text that was quoted; null for what `quote` never writes. */
export function readQuoted(quoted: string): string | null {
  try {
    const value: unknown = JSON.parse(quoted);
    return typeof value === "string" ? value : null;
  } catch {
    return null;
  }
}
