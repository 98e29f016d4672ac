/** Safe markup for a browser. Only `html` makes it, so that no text gets into a page unescaped. */
export class Html {
  readonly markup: string;

  constructor(markup: string) {
    this.markup = markup;
  }

  toString(): string {
    return this.markup;
  }
}

export type Content = Html | string | number | false | null | undefined | readonly Content[];

/** A template that escapes its values, between tags and in quoted attributes. */
export function html(parts: TemplateStringsArray, ...values: readonly Content[]): Html {
  return new Html(parts.map((part, index) => part + markupOf(values[index])).join(""));
}

export const nothing = html``;

function markupOf(value: Content): string {
  if (value instanceof Html) return value.markup;
  if (typeof value === "string") return escapeHtml(value);
  if (typeof value === "number") return String(value);
  if (!value) return "";
  return value.map(markupOf).join("");
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
}

export function attributes(values: Readonly<Record<string, string | number | boolean | undefined>>): Html {
  const shown = Object.entries(values).filter(([, value]) => value !== undefined && value !== false);
  return new Html(
    shown.map(([name, value]) => ` ${name}${value === true ? "" : `="${escapeHtml(String(value))}"`}`).join(""),
  );
}

/** A safe address for a link; undefined for any other scheme, above all `javascript:`. */
export function safeUrl(url: unknown): string | undefined {
  if (typeof url !== "string" || !URL.canParse(url)) return undefined;
  return ["http:", "https:", "mailto:"].includes(new URL(url).protocol) ? url : undefined;
}
