import { canonicalCaller } from "./arn.ts";
import type { ReadDocument } from "./document.ts";
import { render, type TemplateValues } from "./names.ts";
import { lookUp } from "./read-document.ts";

export interface Identity {
  username: string;
  groups: readonly string[];
}

/** Facts about the caller's session, apart from its ARN. */
export interface CallerSession {
  accessKeyId?: string;
  /** If it differs from the last part of the ARN. */
  sessionNameRaw?: string;
}

/** The session name for a role without a session. */
const ASSUMED = "eks-access";

/**
 * The identity that the authenticator gives a caller; null: none. `callerArn`: the answer of sts:GetCallerIdentity; a role's ARN
 * means its session named `eks-access`.
 */
export function resolve(document: ReadDocument, callerArn: string, session: CallerSession = {}): Identity | null {
  const stsArn = asSession(callerArn);
  const canonical = canonicalCaller(stsArn);
  if (canonical === null) return null;
  const accountId = canonical.split(":")[4] ?? "";
  const entry = lookUp(document.lookup, canonical);
  if (entry === null) return document.lookup.accounts.has(accountId) ? { username: canonical, groups: [] } : null;
  const sessionName = session.sessionNameRaw ?? sessionNameOf(stsArn);
  return identify(entry, { accountId, sessionName, accessKeyId: session.accessKeyId });
}

function identify(entry: Identity, values: TemplateValues): Identity | null {
  const username = render(entry.username, values);
  const groups: string[] = [];
  for (const group of entry.groups) {
    const rendered = render(group, values);
    if (rendered === null) return null;
    groups.push(rendered);
  }
  return username === null ? null : { username, groups };
}

/** `role/path/R` of IAM as `assumed-role/R/eks-access`: the ARN that STS reports for its sessions. Other ARNs stay. */
function asSession(callerArn: string): string {
  const match = /^arn:([^:]+):iam::([^:]*):role\/(?:.*\/)?([^/]+)$/.exec(callerArn);
  if (match === null) return callerArn;
  const [, partition, account, name] = match;
  return `arn:${partition}:sts::${account}:assumed-role/${name}/${ASSUMED}`;
}

/** The last part of the ARN of a role's session. To the authenticator an IAM user and a federated user have no session name. */
function sessionNameOf(stsArn: string): string {
  const [, sessionName = ""] = /:assumed-role\/(?:.*\/)?(.*)/.exec(stsArn) ?? [];
  return sessionName;
}
