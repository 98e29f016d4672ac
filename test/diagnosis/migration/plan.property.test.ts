import fc from "fast-check";
import { expect, it } from "vitest";
import { readAwsAuth } from "../../../sandbox/cluster/aws-auth-map.ts";
import type { MigrationStep, PresentEntry } from "../../../src/diagnosis/migration/facts.ts";
import { planMigration } from "../../../src/diagnosis/migration/plan.ts";
import { stories } from "../../form.ts";
import { account, type Item, presentEntry, section, someFacts } from "./facts.ts";

/** A cluster in EKS. The sandbox's authenticator decides about sign-ins, not the product's. */
interface World {
  mode: "CONFIG_MAP" | "API_AND_CONFIG_MAP";
  data: Readonly<Record<string, string>>;
  entries: readonly PresentEntry[];
}

interface Known {
  username: string;
  groups: readonly string[];
  policies: readonly string[];
}

const session = "i-am-alice@example.com";

function fill(text: string, ofRole: boolean): string {
  const name = ofRole ? session : "";
  return text
    .replaceAll("{{AccountID}}", account)
    .replaceAll("{{SessionName}}", name.replaceAll("@", "-"))
    .replaceAll("{{SessionNameRaw}}", name);
}

/** EKS fills in the session alone. */
function fillOfEntry(text: string): string {
  return text.replaceAll("{{SessionName}}", session.replaceAll("@", "-")).replaceAll("{{SessionNameRaw}}", session);
}

function signIn({ mode, data, entries }: World, arn: string): Known | null {
  const pathless = (text: string) => text.replace(/:role\/.*\//, ":role/").toLowerCase();
  const entry =
    mode === "CONFIG_MAP" ? undefined : entries.find((each) => pathless(each.principalArn) === pathless(arn));
  if (entry) {
    const policies = entry.policies.map(({ name }) => name);
    return { username: fillOfEntry(entry.username), groups: entry.groups, policies };
  }
  const { roles, users, accounts } = readAwsAuth(data);
  const mapping = roles.get(pathless(arn)) ?? users.get(pathless(arn));
  if (!mapping) return accounts.has(arn.split(":")[4] ?? "") ? { username: arn, groups: [], policies: [] } : null;
  const texts = [mapping.username, ...mapping.groups];
  if (texts.some((text) => text.includes("{{EC2PrivateDNSName}}"))) return null;
  const [username = "", ...groups] = texts.map((text) => fill(text, arn.includes(":role/")));
  return { username, groups, policies: [] };
}

function carryOut(world: World, step: MigrationStep): World {
  if (step.type === "switch-mode") return { ...world, mode: "API_AND_CONFIG_MAP" };
  if (step.type === "remove-from-aws-auth") return { ...world, data: step.after };
  const { principalArn, username, groups, isAdmin } = step.wanted;
  const policies = isAdmin ? [{ name: "AmazonEKSClusterAdminPolicy", namespaces: null }] : [];
  const entry = presentEntry({ principalArn, username, groups, policies, migrated: "whole" });
  return { ...world, entries: [...world.entries.filter((each) => each.principalArn !== principalArn), entry] };
}

/** The same person to the cluster: what EKS does not take is either in everybody, or below the policy that is there. */
function expectSame(before: Known | null, after: Known | null): void {
  expect(after?.username).toBe(before?.username);
  const isAdmin = before?.groups.includes("system:masters") || before?.policies.includes("AmazonEKSClusterAdminPolicy");
  const meant = (known: Known | null) =>
    [...new Set(known?.groups)]
      .filter((group) => group !== "" && group !== "system:authenticated")
      .filter((group) => !isAdmin || !/^(system|eks):/.test(group))
      .toSorted();
  expect(meant(after)).toEqual(meant(before));
  const isAdminNow =
    after?.groups.includes("system:masters") || after?.policies.includes("AmazonEKSClusterAdminPolicy");
  expect(isAdminNow ?? false).toBe(isAdmin ?? false);
}

const names = ["a", "b", "C", "c", "teams/d", "d", "AWSReservedSSO_x", "cluster-creator"];
const username = fc.constantFrom(
  "dev",
  "dev:{{SessionName}}",
  "x{{SessionName}}",
  "{{AccountID}}:{{SessionNameRaw}}",
  "",
  "system:node:{{EC2PrivateDNSName}}",
  "system:x",
  "k:{{AccessKeyID}}",
);
const group = fc.constantFrom(
  "viewers",
  "system:masters",
  "system:nodes",
  "eks:x",
  "",
  "system:authenticated",
  "g-{{AccountID}}",
);
const item = (kind: string) =>
  fc.record({
    arn: fc.constantFrom(...names).map((name): string => `arn:aws:iam::${account}:${kind}/${name}`),
    username,
    groups: fc.array(group, { maxLength: 3 }),
  });
const items = (kind: string): fc.Arbitrary<Item[]> => fc.array(item(kind), { maxLength: 4 });
const presentEntries = fc
  .uniqueArray(fc.constantFrom("a", "b", "teams/d"), { maxLength: 3 })
  .map((arns) =>
    arns.map((name) => presentEntry({ principalArn: `arn:aws:iam::${account}:role/${name}`, username: name })),
  );

const worlds: fc.Arbitrary<World> = fc
  .record({
    mode: fc.constantFrom("CONFIG_MAP" as const, "API_AND_CONFIG_MAP" as const),
    roles: fc.tuple(items("role"), items("user")).map(([own, stray]) => [...own, ...stray.slice(0, 1)]),
    users: items("user"),
    accounts: fc.subarray([account, "444455556666"]),
    presentEntries,
  })
  .map(({ mode, roles, users, accounts, presentEntries: entries }) => ({
    mode,
    data: {
      mapRoles: section("role", roles),
      mapUsers: section("user", users),
      mapAccounts: JSON.stringify(accounts),
    },
    entries: mode === "CONFIG_MAP" ? [] : entries,
  }));

const callers = ["role", "user"].flatMap((kind) =>
  [...names, "nobody"].map((name) => `arn:aws:iam::${account}:${kind}/${name.replace(/^.*\//, "")}`),
);

const givenArns = [`arn:aws:iam::${account}:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_x`];

function plan({ mode, data, entries }: World) {
  const result = planMigration(someFacts(data, { mode, presentEntries: entries, givenArns }));
  if (result.type === "refused") throw new Error(`${result.code}: ${result.message}`);
  return result;
}

it("after each step everybody has the same identity, and no one is new", () => {
  const runs = stories({ short: 40, long: 150 });
  let moved = 0;
  fc.assert(
    fc.property(worlds, (start) => {
      const before = new Map(callers.map((arn) => [arn, signIn(start, arn)]));
      let world = start;
      for (const step of plan(start).steps) {
        world = carryOut(world, step);
        for (const arn of callers) expectSame(before.get(arn) ?? null, signIn(world, arn));
        moved += 1;
      }
    }),
    runs,
  );
  expect(moved).toBeGreaterThan(runs.numRuns);
});

it("wherever a run dies, the next one ends the same, under the same digest", () => {
  fc.assert(
    fc.property(worlds, fc.nat(8), (start, dies) => {
      const first = plan(start);
      const end = first.steps.reduce(carryOut, start);
      const middle = first.steps.slice(0, -1).slice(0, dies).reduce(carryOut, start);
      const second = plan(middle);

      if (first.steps.length > 0) expect(second.digest).toBe(first.digest);
      expect(second.steps.reduce(carryOut, middle)).toEqual(end);
      expect(plan(end).steps).toEqual([]);
    }),
    stories({ short: 12, long: 40 }),
  );
});
