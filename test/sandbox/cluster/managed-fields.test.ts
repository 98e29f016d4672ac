import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type ManagedFields, ownFields } from "../../../sandbox/cluster/managed-fields.ts";

// Copies: Kubernetes docs, "Server-Side Apply", section "Field management", for updates: whoever changes a value owns it alone.

const now = new Date("2026-01-31T08:00:00Z");
const managers = fc.constantFrom("eks-access", "Terraform", "kubectl-edit");
const data = fc.dictionary(
  fc.constantFrom("mapRoles", "mapUsers", "mapAccounts", "a.b"),
  fc.constantFrom("x", "y", ""),
);
const writes = fc.array(fc.record({ manager: managers, data }), { minLength: 1, maxLength: 8 });

function ownersOf(owners: readonly ManagedFields[], key: string): string[] {
  return owners
    .filter(({ fieldsV1 }) => {
      const fields = (fieldsV1 as { "f:data"?: object })["f:data"] ?? {};
      return Object.hasOwn(fields, `f:${key}`);
    })
    .map(({ manager }) => manager);
}

describe("the owners of fields, after any writes", () => {
  it("are exactly the last writers of each value; removed values have none", () => {
    fc.assert(
      fc.property(writes, (history) => {
        let owners: ManagedFields[] = [];
        let object: { data: Record<string, string>; metadata: object } | undefined;
        const lastSetBy = new Map<string, string>();

        for (const write of history) {
          const after = { data: write.data, metadata: {} };
          owners = ownFields({ owners, object }, after, { manager: write.manager, apiVersion: "v1", now });
          for (const key of lastSetBy.keys()) if (!Object.hasOwn(write.data, key)) lastSetBy.delete(key);
          for (const [key, value] of Object.entries(write.data)) {
            if (object?.data[key] !== value || !lastSetBy.has(key)) lastSetBy.set(key, write.manager);
          }
          object = after;
        }

        for (const key of ["mapRoles", "mapUsers", "mapAccounts", "a.b"]) {
          const expected = lastSetBy.get(key);
          expect(ownersOf(owners, key)).toEqual(expected === undefined ? [] : [expected]);
        }
      }),
    );
  });
});
