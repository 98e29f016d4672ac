import { RE2JS } from "re2js";

export interface TicketRule {
  readonly need: "none" | "optional" | "required";
  /** An RE2 regular expression that the whole ticket must match; null: any. A ticket is always one word of at most 64 characters. */
  readonly pattern: string | null;
}

export const maxTicketLength = 64;

/** The last pattern, compiled: that takes as long as a hundred matches, and a line has many words. */
let last: { readonly pattern: string; readonly expression: RE2JS } | null = null;

function compiled(pattern: string): RE2JS {
  if (last?.pattern !== pattern) last = { pattern, expression: RE2JS.compile(pattern) };
  return last.expression;
}

export function tooLongText(what: string, length: number, limit: number): string {
  return `${what} has ${length} characters; the limit is ${limit}.`;
}

/** Why this is no ticket for the cluster; null: it is one. */
export function refuseTicket({ pattern }: TicketRule, ticket: string): string | null {
  if (ticket.length > maxTicketLength) return tooLongText("The ticket", ticket.length, maxTicketLength);
  if (/\s/.test(ticket)) return "A ticket is one word, for example OPS-123.";
  if (pattern === null || compiled(pattern).testExact(ticket)) return null;
  return `${JSON.stringify(ticket)} is not of the form ${pattern}.`;
}

/** Whether RE2 accepts this pattern, so that it matches in linear time: no lookarounds, no back references. */
export function isTicketPattern(text: string): boolean {
  try {
    return RE2JS.compile(text) instanceof RE2JS;
  } catch {
    return false;
  }
}
