import { describe, expect, test } from "vitest";
import {
  type Identities,
  isFreshEmail,
  readIdentities,
  sealEmail,
  sealIdentities,
} from "../../src/access/found-identities.ts";
import {
  type IdentityRules,
  identityInAccountOf,
  isCurrent,
  type KnownOf,
  linkedArnInAccountOf,
  linkedArnOn,
  linkInAccountOf,
  ownIdentities,
  rolesOf,
} from "../../src/access/identities.ts";
import { isOwnPrincipal } from "../../src/access/principal.ts";
import { aCluster } from "../builders/a-cluster.ts";
import { aLink } from "../builders/a-link.ts";
import { keys, otherKeys } from "../builders/keys.ts";
import { at, hours, minutes } from "../builders/times.ts";

const role = "arn:aws:iam::111122223333:role/AWSReservedSSO_Developer_0123456789abcdef";
const session = "arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Developer_0123456789abcdef";
const settings = { region: "eu-central-1", instanceArn: "", identityStoreId: "", roleArn: "" };
const center = { type: "identity-center", settings } as const;
const links = { type: "links" } as const;
const rule = { type: "rule", arn: "arn:aws:iam::{account}:role/dev", session: "{email}" } as const;
const rules = (...sources: IdentityRules["sources"]): IdentityRules => ({ sources, keepSeconds: 900 });

const userIn = (account: string) => `arn:aws:iam::${account}:user/alice`;

const unsealed = {
  user: "U0ENGINEER",
  email: "alice@example.com",
  at: at(0).toISOString(),
  person: { userName: "alice@example.com", permissionSets: ["Developer"], roles: [role] },
  why: null,
} satisfies Omit<Identities, "seal" | "cluster">;
const cluster = aCluster();
const found = sealIdentities(unsealed, cluster, keys.preview);

describe("a worker's answer counts only with its seal", () => {
  test("for this person, on this cluster, for a day", () => {
    const read = (value: unknown, { user = unsealed.user, on = cluster, now = at(minutes(1)) } = {}) =>
      readIdentities(value, user, on, keys.preview, now);

    expect(read(JSON.parse(JSON.stringify(found)))).toEqual(found);
    expect(read({ ...found, person: { ...unsealed.person, userName: "mallory@example.com" } })).toBeNull();
    expect(read({ ...found, at: at(minutes(1)).toISOString() })).toBeNull();
    expect(read({ ...found, user: "U0APPROVER" }, { user: "U0APPROVER" })).toBeNull();
    expect(read(found, { user: "U0APPROVER" })).toBeNull();
    expect(read(found, { on: aCluster({ name: "payments" }) })).toBeNull();
    expect(read(found, { on: aCluster({ account: "444455556666" }) })).toBeNull();
    expect(read(sealIdentities(unsealed, cluster, otherKeys.preview))).toBeNull();
    expect(read(found, { now: at(hours(24) + minutes(1)) })).toBeNull();
    expect(read(found, { now: at(-minutes(2)) })).toBeNull();
  });

  test("for as long as the settings say, and for the address that Slack confirms now", () => {
    expect(isCurrent(found, unsealed.email, rules(center), at(minutes(15)))).toBe(true);
    expect(isCurrent(found, unsealed.email, rules(center), at(minutes(15) + 1))).toBe(false);
    expect(isCurrent(found, "other@example.com", rules(center), at(minutes(1)))).toBe(false);
    expect(isCurrent(found, null, rules(center), at(minutes(1)))).toBe(false);
  });

  test("for a minute where it found none, because its message asks for a repair", () => {
    const none = sealIdentities({ ...unsealed, person: null, why: "user-not-found" }, cluster, keys.preview);

    expect(isCurrent(none, unsealed.email, rules(center), at(minutes(1)))).toBe(true);
    expect(isCurrent(none, unsealed.email, rules(center), at(minutes(1) + 1))).toBe(false);
    expect(isCurrent(none, unsealed.email, { ...rules(center), keepSeconds: 30 }, at(31))).toBe(false);
  });
});

test("a person's address counts only as our Slack process signed it, for five minutes", () => {
  const statement = sealEmail("U0ENGINEER", "alice@example.com", at(0), keys.decision);
  const isFresh = (change: Partial<typeof statement>, now = at(minutes(1))) =>
    isFreshEmail({ ...statement, ...change }, keys.decision, now);

  expect(isFresh({})).toBe(true);
  expect(isFresh({ email: "mallory@example.com" })).toBe(false);
  expect(isFresh({ user: "U0APPROVER" })).toBe(false);
  expect(isFresh({ at: at(minutes(1)).toISOString() })).toBe(false);
  expect(isFresh({}, at(minutes(5) + 1000))).toBe(false);
  expect(isFresh(sealEmail("U0ENGINEER", "alice@example.com", at(0), otherKeys.decision))).toBe(false);
});

describe("who a person is on a cluster", () => {
  const link = aLink("U0ENGINEER", "arn:aws:iam::111122223333:user/alice");
  const nothing: KnownOf = { links: [], found: null };

  test.each<[string, IdentityRules, KnownOf, readonly string[]]>([
    ["Identity Center first", rules(center, links), { links: [link], found }, [`${session}/alice@example.com`]],
    ["a link first", rules(links, center), { links: [link], found }, [link.arn]],
    ["a link, where Identity Center is silent", rules(center, links), { links: [link], found: null }, [link.arn]],
    [
      "a rule at last",
      rules(center, links, rule),
      { links: [], found: { ...found, person: null } },
      ["arn:aws:sts::111122223333:assumed-role/dev/alice@example.com"],
    ],
    [
      "a rule without a session",
      rules({ ...rule, session: null }),
      { links: [], found },
      ["arn:aws:iam::111122223333:role/dev"],
    ],
    [
      "nobody by a rule, with an address that is no name in IAM",
      rules(rule),
      { links: [], found: { ...found, email: "admin/alice@example.com" } },
      [],
    ],
    [
      "nobody, with a user name that no session can have",
      rules(center),
      { links: [], found: { ...found, person: { ...unsealed.person, userName: "alice/admin" } } },
      [],
    ],
    ["nobody, without a seal of the address", rules(center, rule), nothing, []],
    ["no link, where the settings name none", rules(center), { links: [link], found: null }, []],
  ])("is %s", (_, settings, known, arns) => {
    expect(ownIdentities(settings, cluster, known)).toEqual(arns);
  });

  test("is several people with several permission sets, of the roles that the cluster names", () => {
    const admin = "AWSReservedSSO_Admin_00112233445566aa";
    const named = [
      "arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/eu-central-1/AWSReservedSSO_Developer_0123456789abcdef",
      role,
      `arn:aws:iam::111122223333:role/${admin}`,
      `arn:aws:iam::444455556666:role/${admin}`,
      "arn:aws:iam::111122223333:role/AWSReservedSSO_Billing_00112233445566aa",
      "arn:aws:iam::111122223333:role/Developer",
    ];

    const roles = rolesOf(["Admin", "Developer"], named, cluster.account);

    expect(roles).toEqual([`arn:aws:iam::111122223333:role/${admin}`, role]);
  });

  test.each<[string, string, string | null]>([
    ["one's own session", `${session}/alice@example.com`, `${session}/alice@example.com`],
    [
      "a role of the same set that the cluster does not name",
      `${session.slice(0, -1)}0/alice@example.com`,
      `${session.slice(0, -1)}0/alice@example.com`,
    ],
    ["the role that one shares", role, role],
    ["another person's session", `${session}/mallory@example.com`, `${session}/alice@example.com`],
    ["a role of another set", role.replace("Developer", "Admin"), `${session}/alice@example.com`],
    ["a principal of another account", role.replace("111122223333", "444455556666"), null],
  ])("is next to %s", (_, principal, own) => {
    expect(identityInAccountOf(rules(center), cluster, { links: [], found }, principal)).toBe(own);
  });

  const dev = "arn:aws:sts::111122223333:assumed-role/dev";
  test.each([
    ["their session of Identity Center", rules(center), `${session}/alice@example.com`, true],
    ["their role of Identity Center", rules(center), role, true],
    ["another session of that role", rules(center), `${session}/bob@example.com`, false],
    ["their session by the rule", rules(rule), `${dev}/alice@example.com`, true],
    ["the role of the rule", rules(rule), "arn:aws:iam::111122223333:role/dev", true],
    ["another session by the rule", rules(rule), `${dev}/bob@example.com`, false],
  ])("tells whether a typed ARN is theirs: %s", (_, settings, typed, isTheirs) => {
    const identity = identityInAccountOf(settings, cluster, { links: [], found }, typed);

    expect(isOwnPrincipal(identity, typed)).toBe(isTheirs);
  });

  test.each([
    ["an account of their own link", "444455556666", ["111122223333", "444455556666"], "444455556666"],
    ["an account without a link", "777788889999", ["111122223333", "444455556666"], null],
  ])("is next to a principal of %s", (_, of, linked, own) => {
    const known = { links: linked.map((account) => aLink("U0ENGINEER", userIn(account))), found: null };

    const identity = identityInAccountOf(rules(links), cluster, known, userIn(of));

    expect(identity).toBe(own && userIn(own));
    expect(linkInAccountOf(known.links, userIn(of))?.arn ?? null).toBe(own && userIn(own));
  });

  test("is what they use of several in an account", () => {
    const two = [userIn("111122223333"), role];
    const known = { links: two.map((arn) => aLink("U0ENGINEER", arn)), found: null };

    for (const arn of two) {
      expect(identityInAccountOf(rules(links), cluster, known, arn)).toBe(arn);
      expect(linkedArnInAccountOf(new Map([["U0ENGINEER", two]]), "U0ENGINEER", arn)).toBe(arn);
    }
  });

  test.each([
    ["the cluster's own account", ["444455556666", "111122223333"], [], "111122223333"],
    ["a foreign account that it takes", ["777788889999", "444455556666"], ["444455556666"], "444455556666"],
    ["the only link, so that the refusal names it", ["777788889999"], [], "777788889999"],
    ["none of several others", ["777788889999", "444455556666"], [], null],
  ])("is linked on a cluster by %s", (_, linked, foreignAccounts, own) => {
    expect(linkedArnOn(linked.map(userIn), aCluster({ foreignAccounts }))).toBe(own && userIn(own));
  });
});
