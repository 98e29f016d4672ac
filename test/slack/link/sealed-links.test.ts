import { createPublicKey } from "node:crypto";
import { WebClient } from "@slack/web-api";
import { describe, expect, test } from "vitest";
import { decideClick } from "../../../src/access/decide.ts";
import { voidReason } from "../../../src/access/lease/decide-lease.ts";
import { publicKeys, signingKeys } from "../../../src/access/seal.ts";
import { isAcceptedLink, linkSealedAnew, type PrincipalLink, sealLink } from "../../../src/access/seals.ts";
import type { Command, SlackContext } from "../../../src/slack/app/context.ts";
import { requesterFactsOf } from "../../../src/slack/app/request-people.ts";
import { decideLink, link } from "../../../src/slack/link/link.ts";
import { whoami } from "../../../src/slack/look/whoami.ts";
import { configText } from "../../builders/a-cluster.ts";
import { aPreviewedRequest, engineerArn } from "../../builders/a-request.ts";
import { aPrivateKey, keys, otherKeys } from "../../builders/keys.ts";
import { at, hours, minutes } from "../../builders/times.ts";
import { memoryLedger } from "../../ledger/memory-ledger.ts";
import { aSlackContext } from "../slack-context.ts";

const user = "U0ENGINEER";
const moment = at(0).toISOString();
const intruderArn = engineerArn.replace("engineer", "intruder");
const goesByLinks = `${configText}policy: { rules: [{ name: own, principals: { linkedOnly: true } }] }\n`;
const confirming = `${goesByLinks}administrators: [U0ONCALL]\nlinking: { confirm: administrator }\n`;

const linkBy = (by: string | null, arn = engineerArn, from = keys, of = user): PrincipalLink => ({
  arn,
  seal: sealLink(of, arn, { by, at: moment }, from.decision),
});
const own = linkBy(user);

describe("rules that go by links believe one", () => {
  test.each<[string, PrincipalLink, boolean]>([
    ["that the person made, where nobody has to confirm it", own, false],
    ["that an administrator confirmed", linkBy("U0ONCALL"), true],
  ])("%s", (_, found, mustBeConfirmed) => {
    expect(isAcceptedLink(user, found, mustBeConfirmed, keys.decision)).toBe(true);
  });

  test.each<[string, PrincipalLink, boolean?]>([
    ["without a seal", { arn: engineerArn, seal: null }],
    ["in which the principal was exchanged", { ...own, arn: intruderArn }],
    ["that is another person's", linkBy("U0STRANGER", engineerArn, keys, "U0STRANGER")],
    ["that another installation sealed", linkBy(user, engineerArn, otherKeys)],
    ["that passes for a later one", { ...own, seal: own.seal && { ...own.seal, at: at(hours(1)).toISOString() } }],
    ["that passes for a confirmed one", { ...own, seal: own.seal && { ...own.seal, by: "U0ONCALL" } }, true],
    ["that nobody confirmed, where somebody has to", own, true],
    ["that only stood in a request", linkBy(null)],
  ])("but none %s", (_, found, mustBeConfirmed = false) => {
    expect(isAcceptedLink(user, found, mustBeConfirmed, keys.decision)).toBe(false);
  });

  test("again after a rotation, if the older key of the environment sealed exactly that", () => {
    const rotated = signingKeys<"decision">(aPrivateKey("next"), [createPublicKey(aPrivateKey("ours: decisions"))]);
    const newest = publicKeys<"decision">([createPublicKey(aPrivateKey("next"))]);
    const [confirmed, bare] = [linkBy("U0ONCALL"), linkBy(null)];
    const forged = { ...confirmed, arn: intruderArn };
    const again = [confirmed, bare, forged, linkBy(user, engineerArn, otherKeys), { arn: engineerArn, seal: null }].map(
      (each) => linkSealedAnew(user, each, rotated),
    );

    const accepted = again.map((each) => each && isAcceptedLink(user, each, true, newest));

    expect(accepted).toEqual([true, false, null, null, null]);
    expect(again[0]?.seal).toMatchObject({ by: "U0ONCALL", at: moment });
    expect(again[0] && linkSealedAnew(user, again[0], rotated)).toBeNull();
  });
});

const run = (command: Command, context: SlackContext, rest: string) =>
  command.run(context, {
    user,
    rest,
    client: new WebClient(),
    channel: "",
    triggerId: "",
    people: new Map(),
    commands: [],
  });

describe("a link that a person wrote into Redis", () => {
  async function forged(config = goesByLinks) {
    const ledger = memoryLedger();
    const context = aSlackContext(ledger, config);
    const [cluster] = context.config.clusters.values();
    if (!cluster) throw new Error("The configuration has a cluster.");
    await ledger.linkPrincipal(user, { ...own, arn: intruderArn });
    return { ledger, context, cluster };
  }

  test("is not what the policy uses, and counts once it is made again", async () => {
    const { context, cluster } = await forged();

    const before = await requesterFactsOf(context, cluster, user, own.arn);
    await run(link, context, intruderArn);
    const after = await requesterFactsOf(context, cluster, user, own.arn);

    expect(before.linked).toBeNull();
    expect(after.linked).toBe(intruderArn);
  });

  test("is an event, with both identities", async () => {
    const { ledger, context, cluster } = await forged();

    await requesterFactsOf(context, cluster, user, own.arn);
    await requesterFactsOf(context, cluster, user, own.arn);

    const events = (await ledger.events(1, 100)).map(({ event }) => event);
    expect(events).toMatchObject([{ type: "attempt.refused", detail: { code: "no-seal", user, arn: intruderArn } }]);
  });

  test("is reported to the person that it is about", async () => {
    const { context } = await forged();

    for (const command of [link, whoami]) {
      expect((await run(command, context, ""))?.text).toContain("Your link needs renewing");
    }
  });

  test("does not become a link by an administrator's click: the button is for the ARN above it", async () => {
    const { ledger, context, cluster } = await forged(confirming);
    const proposal = { id: "p-1", user, arn: engineerArn, at: moment };
    const event = { type: "link.proposed", at: moment, actor: user, request: "", cluster: "", detail: {} } as const;
    await ledger.changeLink({ user, expected: null, link: null, proposal: { ...proposal, arn: intruderArn }, event });

    const decided = await decideLink(context, JSON.stringify({ user, id: "p-1", arn: engineerArn }), "U0ONCALL", true);

    expect(decided.type).toBe("refused");
    expect((await requesterFactsOf(context, cluster, user, own.arn)).linked).toBeNull();
  });

  test("counts once an administrator confirmed it", async () => {
    const { ledger, context, cluster } = await forged(confirming);
    const proposal = { id: "p-1", user, arn: engineerArn, at: moment };
    const event = { type: "link.proposed", at: moment, actor: user, request: "", cluster: "", detail: {} } as const;
    await ledger.changeLink({ user, expected: null, link: null, proposal, event });

    await decideLink(context, JSON.stringify({ user, id: "p-1", arn: engineerArn }), "U0ONCALL", true);

    expect((await requesterFactsOf(context, cluster, user, own.arn)).linked).toBe(engineerArn);
  });
});

const byRule = `${goesByLinks}identities: [links, { rule: { arn: "arn:aws:iam::{account}:user/{email}" } }]\n`;
test.each([
  ["administrators confirm links", goesByLinks, confirming],
  ["a rule names people's principals", goesByLinks, byRule],
  ["no rule names them any more", byRule, goesByLinks],
])("an approval for the linked principal begins nothing once %s", (_, former, next) => {
  const [before, after] = [former, next].map((text) => aSlackContext(memoryLedger(), text).config.clusters);
  const [first, now] = [before?.get("staging"), after?.get("staging")];
  if (!first || !now) throw new Error("The configuration has a cluster.");
  const requesterFacts = { memberships: [], linked: engineerArn };
  const asked = aPreviewedRequest({ requesterFacts }, null, first);
  const click = { verdict: "approved", by: "U0APPROVER", digest: asked.preview?.digest ?? "", why: "" } as const;
  const facts = { memberships: new Map(), requesterFacts, departed: new Map() };
  const decided = decideClick(asked, first, click, keys.decision, at(minutes(2)), facts);
  const approved = decided.type === "decided" && decided.after.state === "approved" ? decided.after : null;
  if (!approved) throw new Error("The approval counts in the first configuration.");
  const seen = {
    way: "aws-auth",
    baseFor: () => null,
    keys: keys.decision,
    now: at(minutes(3)),
    links: new Map(),
  } as const;

  const reasons = [first, now].map((cluster) => voidReason({ cluster, ...seen }, approved));

  expect(reasons).toEqual([null, expect.stringContaining("the policy")]);
});
