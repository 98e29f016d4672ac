import type { KnownBlock } from "@slack/types";

/** Slack's three control characters, so that no text of a user can become a mention, a link or a date. */
export function escapeText(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** User text in a sentence: escaped, on one line, without the marks that Slack would format. */
export function plainLine(text: string): string {
  return escapeText(text.replace(/\s+/g, " ").trim()).replace(/[*_~`]/g, (mark) => `${mark}\u200b`);
}

/** Text in code style. A backtick inside would end it. */
export function code(text: string): string {
  return `\`${escapeText(text).replaceAll("`", "'")}\``;
}

/** A code block that fits into one section: what is cut is said. */
export function codeBlock(text: string, maxLength = 2800): string {
  const whole = escapeText(text).replaceAll("```", "'''");
  if (whole.length <= maxLength) return `\`\`\`${whole}\`\`\``;
  const lines: string[] = [];
  let length = 0;
  for (const line of whole.split("\n")) {
    if (length + line.length + 1 > maxLength - 60) break;
    lines.push(line);
    length += line.length + 1;
  }
  const left = whole.split("\n").length - lines.length;
  return `\`\`\`${lines.join("\n")}\n… ${left} more line${left === 1 ? "" : "s"}\`\`\``;
}

/** A time in the reader's own zone; `fallback` is what clients show that can't. */
export function time(iso: string): string {
  const seconds = Math.floor(Date.parse(iso) / 1000);
  return `<!date^${seconds}^{date_short_pretty} {time}|${iso}>`;
}

export function mention(user: string): string {
  return `<@${user}>`;
}

export function section(text: string): KnownBlock {
  return { type: "section", text: { type: "mrkdwn", text: cut(text, 3000) } };
}

export function fields(texts: readonly string[]): KnownBlock {
  return { type: "section", fields: texts.slice(0, 10).map((text) => ({ type: "mrkdwn", text: cut(text, 2000) })) };
}

export function context(text: string): KnownBlock {
  return { type: "context", elements: [{ type: "mrkdwn", text: cut(text, 3000) }] };
}

/** Never cuts inside an escape, which would show as a stray ampersand. */
export function cut(text: string, maxLength: number): string {
  if (text.length <= maxLength) return text;
  return `${text.slice(0, maxLength - 1).replace(/&[a-z]{0,3}$/, "")}…`;
}
