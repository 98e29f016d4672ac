import { describe, expect, test } from "vitest";
import { entryArnOf } from "../../../src/access/principal.ts";
import type { AccessEntry } from "../../../src/access-entry/index.ts";
import { readSignInMap } from "../../../src/worker/reconcile/sign-in-map.ts";
import { signInNames } from "../../../src/worker/reconcile/sign-in-names.ts";
import type { WayContext } from "../../../src/worker/reconcile/way-adapter.ts";
import { aCluster } from "../../builders/a-cluster.ts";
import { keys } from "../../builders/keys.ts";

const account = "111122223333";
const name = "AWSReservedSSO_Developer_0123456789abcdef";
const role = `arn:aws:iam::${account}:role/${name}`;
const alice = `arn:aws:sts::${account}:assumed-role/${name}/alice@example.com`;
const assumable = `arn:aws:iam::${account}:role/developers`;
const user = `arn:aws:iam::${account}:user/engineer`;

const mapped = (username: string, arn = role) =>
  arn.includes(":user/")
    ? { mapUsers: `- userarn: ${arn}\n  username: "${username}"\n  groups: []\n` }
    : { mapRoles: `- rolearn: ${arn}\n  username: "${username}"\n  groups: [readers]\n` };

const entryOf = (username: string): AccessEntry => ({
  principalArn: `arn:aws:iam::${account}:role/aws-reserved/sso.amazonaws.com/${name}`,
  arn: "arn:aws:eks:eu-central-1:111122223333:access-entry/staging/role/1",
  type: "STANDARD",
  username,
  groups: [],
  policies: [],
  tags: {},
});

/** As whom these principals sign in, by a document and an access entry. */
async function nameOf(
  principal: string,
  {
    data = {},
    entry = null,
  }: { readonly data?: Readonly<Record<string, string>> | null; readonly entry?: AccessEntry | null },
  change: Parameters<typeof aCluster>[0] = {},
) {
  const client = { readAwsAuth: async () => data && { data, annotations: {}, immutable: false } };
  const entries = { list: async () => (entry ? [entry.principalArn] : []), describe: async () => entry };
  const opened = { mode: "API_AND_CONFIG_MAP", entries, client, tags: {}, creatorArn: "" };
  const context = { keys, now: () => new Date() };
  const place = { opened, cluster: aCluster(change), context } as unknown as WayContext;
  const map = await readSignInMap(place, [], [principal]);
  return signInNames(map, aCluster(change)).of(principal);
}

describe("the identity of a principal that signs in", () => {
  test("is read with the session of the person, letter by letter", async () => {
    const raw = await nameOf(alice, { data: mapped("eks:{{SessionNameRaw}}") });
    const changed = await nameOf(alice, { data: mapped("eks:{{SessionName}}") });

    expect(raw).toMatchObject({ username: "eks:alice@example.com", groups: ["readers"], refusal: null });
    expect(changed).toMatchObject({ username: "eks:alice-example.com", refusal: null });
  });

  test("an access entry goes before aws-auth", async () => {
    const found = await nameOf(alice, {
      data: mapped("eks:{{SessionNameRaw}}"),
      entry: entryOf("sso:{{SessionNameRaw}}"),
    });

    expect(found).toMatchObject({ username: "sso:alice@example.com", groups: [], refusal: null });
  });

  test("is planned where nothing names it: an entry gives each session of the role, and a user, a name of its own", async () => {
    const [planned, ofUser] = [await nameOf(alice, {}), await nameOf(user, {})];

    expect(planned).toMatchObject({ entry: "planned", username: `eks-access:${account}:${name}:alice@example.com` });
    expect(planned).not.toMatchObject({ other: expect.stringContaining("alice") });
    expect(ofUser).toMatchObject({ entry: "planned", username: `eks-access:${account}:engineer` });
  });

  test("is no one where no entry can be added, with the way out", async () => {
    const found = await nameOf(alice, { data: null }, { way: "aws-auth", createAwsAuth: false });

    expect(found).toMatchObject({ type: "none", why: expect.stringContaining("{{SessionNameRaw}}") });
    expect(found).toMatchObject({ why: expect.stringContaining(role) });
  });

  test("is no one for a whole role whose sessions are people: it asks with its session", async () => {
    expect(await nameOf(role, {})).toMatchObject({ type: "none", why: expect.stringContaining("with your session") });
    expect(await nameOf(assumable, {}, { pinnedSessions: [assumable] })).toMatchObject({ type: "none" });
  });

  test("is one name for everyone with a role whose people choose their session's name", async () => {
    const username = `eks-access:${account}:role/developers`;

    expect(await nameOf(assumable, {})).toMatchObject({ entry: "planned", username, other: username, refusal: null });
  });

  test("is never that of a user with the name of the role", async () => {
    const names = [assumable, assumable.replace(":role/", ":user/")].map((principal) => nameOf(principal, {}));
    const [ofRole, ofUser] = (await Promise.all(names)).map((found) => found.type === "name" && found.username);

    expect(ofUser).toBe(`eks-access:${account}:developers`);
    expect(ofRole).not.toBe(ofUser);
  });
});

describe("nothing is bound to a name", () => {
  test.each([
    ["that everyone with the role shares", alice, "developer", "the username developer. All sessions share it."],
    ["of Kubernetes itself", alice, "system:{{SessionNameRaw}}", "No lease can use it. Ask an operator"],
    ["that is another one at each sign-in", alice, "eks:{{SessionNameRaw}}:{{AccessKeyID}}", "No lease can use it."],
    ["of one session, when the whole role asks", role, "eks:{{SessionNameRaw}}", "Ask with your session"],
    ["of a session that people choose", assumable, "eks:{{SessionNameRaw}}", "Ask for a level with groups"],
  ])("%s", async (_, principal, username, why) => {
    const found = await nameOf(principal, { data: mapped(username, entryArnOf(principal)) });

    expect(found).toMatchObject({ type: "name", refusal: expect.stringContaining(why) });
  });

  test("but to that of an IAM user, who is one, and to one that a whole role shares when it asks", async () => {
    expect(await nameOf(user, { data: mapped("engineer", user) })).toMatchObject({
      username: "engineer",
      refusal: null,
    });
    expect(await nameOf(role, { data: mapped("developer") })).toMatchObject({ username: "developer", refusal: null });
  });
});
