import { hash } from "node:crypto";
import { type PlacedRole, placedRoleOf } from "../../access/policy/policy-text.ts";
import type { RoleRule } from "../../access/policy/rights.ts";
import { canonicalJson, type Json } from "../../access/seal.ts";
import type { ClusterClient } from "../../kubernetes/cluster-client.ts";
import { isTooLarge } from "../../operations/bounds.ts";
import { inParallel } from "../../operations/deadlines.ts";

export interface RoleSeen {
  /** Null: there is no such role. */
  readonly rules: readonly RoleRule[] | null;
  /** Of the rules: an approval covers these alone. Null: they are too many to read. */
  readonly digest: string | null;
}

/** Reads the roles that these level texts name, each once. By text. A role that is too large stops no other. @throws AccessError */
export async function rolesSeen(
  client: Pick<ClusterClient, "roleRules">,
  texts: readonly string[],
): Promise<ReadonlyMap<string, RoleSeen>> {
  const ofRole = new Map<string, { readonly role: PlacedRole; readonly texts: string[] }>();
  for (const text of new Set(texts)) {
    const role = placedRoleOf(text);
    if (!role) continue;
    const key = JSON.stringify([role.kind, role.name, role.kind === "Role" ? role.namespace : null]);
    const known = ofRole.get(key) ?? { role, texts: [] };
    known.texts.push(text);
    ofRole.set(key, known);
  }
  const seen = await inParallel([...ofRole.values()], async ({ role: { kind, name, namespace }, texts: named }) => {
    const rules = await client.roleRules({ kind, name }, kind === "Role" ? namespace : null).catch(unreadIfTooLarge);
    const role: RoleSeen = rules === "unread" ? { rules: [], digest: null } : { rules, digest: digestOf(rules) };
    return named.map((text) => [text, role] as const);
  });
  return new Map(seen.flat());
}

function unreadIfTooLarge(error: unknown): "unread" {
  if (isTooLarge(error)) return "unread";
  throw error;
}

function digestOf(rules: readonly RoleRule[] | null): string {
  return hash("sha256", canonicalJson(rules as unknown as Json)).slice(0, 32);
}
