import { RE2JS } from "re2js";

/** Whether a cluster wants a ticket with each request, and of which form. */
export interface TicketRule {
  readonly need: "none" | "optional" | "required";
  /** The whole ticket must match this regular expression of RE2; null: it need not. One word of at most 64 characters it is always. */
  readonly pattern: string | null;
}

export const maxTicketLength = 64;

/** Why this is no ticket for the cluster; null: it is one. */
export function refuseTicket({ pattern }: TicketRule, ticket: string): string | null {
  if (ticket.length > maxTicketLength)
    return `The ticket has ${ticket.length} characters; ${maxTicketLength} are the most.`;
  if (/\s/.test(ticket)) return "A ticket is one word, for example OPS-123.";
  if (pattern === null || RE2JS.compile(pattern).testExact(ticket)) return null;
  return `${JSON.stringify(ticket)} is not of the form ${pattern}.`;
}

/** Whether RE2 takes this pattern, and so matches in linear time: it has no lookarounds and no back references. */
export function isTicketPattern(text: string): boolean {
  try {
    return RE2JS.compile(text) instanceof RE2JS;
  } catch {
    return false;
  }
}
