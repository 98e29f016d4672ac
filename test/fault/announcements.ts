import { readAwsAuth } from "../../sandbox/cluster/aws-auth-map.ts";
import { account, channel } from "../../sandbox/scene.ts";
import type { SandboxMessage } from "../../sandbox/slack/inputs.ts";
import { textOf } from "../../sandbox/slack/message-content.ts";
import { entriesMade, type KillableProduct } from "./killable-product.ts";

/** What a message says of the access of the request that it names; null: nothing that can be false. */
function claimOf(text: string, now: Date): "has access" | "has no access" | null {
  if (/\*Active\* until|is active until/.test(text)) {
    const until = / until ([\d-]+ [\d:]+ UTC)/.exec(text)?.[1] ?? "";
    // On a busy machine it can come when that time is over.
    return now.getTime() >= Date.parse(until) ? null : "has access";
  }
  if (/\*Ended\*|\*Failed\*|[)`] ended: | was revoked by |ouldn't (?:be applied|apply)/.test(text))
    return "has no access";
  return null;
}

export interface Announcements {
  /** What was untrue at the time when it was announced, or was given twice. Each reported once. */
  readonly untrue: readonly string[];
  stop: () => void;
}

/**
 * Watches every message as it is posted or changed, and holds it against the live document at that very moment (law 5).
 * A message names its request; the channel's message names the principal besides.
 */
export function watchAnnouncements(product: Pick<KillableProduct, "sandbox" | "giving" | "now">): Announcements {
  const { slack } = product.sandbox;
  const untrue: string[] = [];
  const seen = new Map<string, number>();
  const principals = new Map<string, string>();
  const look = (message: SandboxMessage) => {
    const key = `${message.channel} ${message.ts}`;
    if (seen.get(key) === message.edits) return;
    seen.set(key, message.edits);
    const text = textOf(message);
    const request = /r-[a-z0-9]{8}/.exec(JSON.stringify(message.blocks))?.[0] ?? "";
    const named = /The IAM user `([\w-]+)` gets this/.exec(text)?.[1];
    if (named && message.channel === channel) principals.set(request, `arn:aws:iam::${account}:user/${named}`);
    const claim = claimOf(text, product.now());
    const principal = principals.get(request);
    if (!claim || !principal) return;
    if (hasAccess(product, principal) !== (claim === "has access"))
      untrue.push(`${principal} ${claim}, it was said: ${text}`);
  };
  const stop = slack.onChange(() => {
    for (const message of slack.messages(channel)) look(message);
    for (const message of slack.person("U0ENGINEER").directMessages()) look(message);
  });
  return { untrue, stop };
}

/** The entry of a lease by bindings comes before these, and goes after them. */
function hasAccess(product: Pick<KillableProduct, "sandbox" | "giving">, principal: string): boolean {
  if (product.giving === "bindings by access entries")
    return entriesMade(product).some(({ principalArn }) => principalArn === principal);
  const mapped = readAwsAuth(product.sandbox.cluster.awsAuth()?.data).users.get(principal.toLowerCase());
  return product.giving === "bindings" ? mapped !== undefined : mapped?.groups.includes("eks-access:viewers") === true;
}
