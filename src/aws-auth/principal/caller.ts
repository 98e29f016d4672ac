import { type Principal, readPrincipal } from "./arn.ts";

/** Somebody who signs in, by the ARN that a person gave. */
export interface Caller {
  /** As the authenticator compares it with the entries, but for the case of its letters. */
  readonly principal: Principal;
  /** What STS would say: the session where one was given, otherwise the ARN itself. */
  readonly callerArn: string;
  /** What was different about the ARN that was given; null: nothing. */
  readonly noticed: string | null;
}

export type CallerReading =
  | { readonly type: "caller"; readonly caller: Caller }
  | { readonly type: "nobody"; readonly message: string };

/** Reads an ARN as people have it at hand: with a role's path, of a session, of IAM Identity Center, with white space. */
export function readCaller(given: string, partition?: string): CallerReading {
  const text = given.trim();
  const reading = readPrincipal(text, partition);
  if (reading.type === "principal") {
    return { type: "caller", caller: { principal: reading.principal, callerArn: text, noticed: null } };
  }
  const meant = reading.suggestion === undefined ? null : readPrincipal(reading.suggestion, partition);
  if (meant?.type !== "principal") return { type: "nobody", message: reading.message };
  const callerArn = reading.code === "arn-assumed-role" ? text : meant.principal.arn;
  return { type: "caller", caller: { principal: meant.principal, callerArn, noticed: noticedAt(reading) } };
}

/** What the rejection says of an entry is not what is to be said of a question. */
function noticedAt({ code, message }: { readonly code: string; readonly message: string }): string {
  if (code === "arn-assumed-role") return "That is one session of a role: aws-auth is asked for the role itself.";
  if (code === "arn-path" || code === "arn-sso-path") {
    return "That is a role with its path, which the authenticator never sees: aws-auth is asked for the role without it.";
  }
  return message;
}
