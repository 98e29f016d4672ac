import { createHash } from "node:crypto";
import { canonicalJson, type Json } from "../../access/approval/seal.ts";
import { type PlacedRole, placedRoleOf } from "../../access/policy/policy-text.ts";
import type { RoleRule } from "../../access/policy/rights.ts";
import type { ClusterClient } from "../../kubernetes/cluster-client.ts";
import { inParallel } from "../in-parallel.ts";

export interface RoleSeen {
  /** Null: there is no such role. */
  readonly rules: readonly RoleRule[] | null;
  /** Of the rules: an approval covers these alone. */
  readonly digest: string;
}

/** Reads the roles that these level texts name, each once. By text. @throws AccessError */
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
    const rules = await client.roleRules({ kind, name }, kind === "Role" ? namespace : null);
    const digest = createHash("sha256")
      .update(canonicalJson(rules as unknown as Json))
      .digest("hex")
      .slice(0, 32);
    return named.map((text) => [text, { rules, digest }] as const);
  });
  return new Map(seen.flat());
}
