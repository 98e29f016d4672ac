import type { DecisionKeys, DecisionPublicKeys } from "./seal.ts";

/** Who said that a Slack account goes by a principal, sealed. */
export interface LinkSeal {
  /** Slack user id: of who is linked, or of the administrator who confirmed it; null: it was only asked for with it. */
  readonly by: string | null;
  /** ISO 8601. */
  readonly at: string;
  /** Over the above, whose link it is and the ARN. */
  readonly seal: string;
}

/** What a Slack account is linked with, as it is remembered. */
export interface PrincipalLink {
  readonly arn: string;
  /** Null: not written by eks-access. */
  readonly seal: LinkSeal | null;
}

/** Seals that somebody goes by this principal. */
export function sealLink(user: string, arn: string, said: Omit<LinkSeal, "seal">, keys: DecisionKeys): LinkSeal {
  return { ...said, seal: keys.seal("link", { ...said, user, arn }) };
}

/** Whether one of our keys sealed that this person goes by this principal. */
export function isSealedLink(user: string, { arn, seal: given }: PrincipalLink, keys: DecisionPublicKeys): boolean {
  if (!given) return false;
  const { seal: sealText, ...said } = given;
  return keys.isSealed("link", { ...said, user, arn }, sealText);
}

/**
 * Whether rules that go by links may go by this one: it was made for this very purpose, and confirmed where links have
 * to be.
 */
export function isBelievedLink(
  user: string,
  link: PrincipalLink,
  mustBeConfirmed: boolean,
  keys: DecisionPublicKeys,
): boolean {
  const by = link.seal?.by ?? null;
  return by !== null && (!mustBeConfirmed || by !== user) && isSealedLink(user, link, keys);
}
