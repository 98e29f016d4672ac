import { beforeEach, describe, expect, test } from "vitest";
import { verifyChain } from "../../src/access/audit-event.ts";
import type { LinkProposal } from "../../src/access/seals.ts";
import type { Ledger } from "../../src/ledger/ledger.ts";
import type { LinkChange } from "../../src/ledger/links.ts";
import { aRequest } from "../builders/a-request.ts";
import { aChange, anEvent } from "../builders/an-event.ts";
import { at } from "../builders/times.ts";

const arn = "arn:aws:iam::111122223333:user/engineer";
const link = { arn, seal: { by: "U0ENGINEER", at: at(0).toISOString(), seal: "00000000.00" } };
const proposal = (id: string): LinkProposal => ({ id, user: "U0ENGINEER", arn, at: at(0).toISOString() });
const change = (to: Partial<LinkChange>): LinkChange => ({
  user: "U0ENGINEER",
  expected: null,
  link: null,
  proposal: null,
  event: anEvent({ type: "link.made", request: "", cluster: "" }),
  ...to,
});

/** People's linked principals, and the proposals that wait. */
export function linkContract(ledgerNow: () => Ledger): void {
  let ledger: Ledger;

  beforeEach(() => {
    ledger = ledgerNow();
  });

  describe("a link", () => {
    test("is written together with its event, which is in the chain like any other", async () => {
      await ledger.commit(aChange(aRequest()));

      const made = await ledger.changeLink(change({ link }));
      await ledger.commit(aChange(aRequest({ id: "r-2" })));

      expect(made).toBe(true);
      expect(await ledger.linksOf("U0ENGINEER")).toEqual([link]);
      const events = await ledger.events(1, 10);
      expect(events.map(({ event }) => event.type)).toEqual(["request.created", "link.made", "request.created"]);
      expect(verifyChain(events)).toMatchObject({ type: "whole", count: 3 });
    });

    test("that is only proposed changes nothing, and waits", async () => {
      await ledger.changeLink(change({ proposal: proposal("p-1") }));

      expect(await ledger.linksOf("U0ENGINEER")).toEqual([]);
      expect(await ledger.linkProposalOf("U0ENGINEER")).toEqual(proposal("p-1"));
      expect(await ledger.linkProposalOf("U0ONCALL")).toBeNull();
    });

    test("has the places of its questions, which give way in one step", async () => {
      const placed = (ts: string) => ({ places: [{ channel: "D0ADMIN", ts }], seal: "00000000.00" });
      await ledger.changeLink(change({ proposal: proposal("p-2") }));

      const steps = [
        await ledger.swapLinkQuestions("U0ENGINEER", "p-2", placed("1.2")),
        await ledger.swapLinkQuestions("U0ENGINEER", "p-2", placed("1.3")),
        await ledger.swapLinkQuestions("U0ENGINEER", "p-1", placed("1.1")),
        Object.fromEntries(await ledger.linkQuestions()),
        await ledger.swapLinkQuestions("U0ENGINEER", null, null),
        await ledger.swapLinkQuestions("U0ENGINEER", null, null),
      ];

      expect(steps).toEqual([null, placed("1.2"), "outdated", { U0ENGINEER: placed("1.3") }, placed("1.3"), null]);
    });

    test("that is confirmed is in force, and no proposal waits", async () => {
      await ledger.changeLink(change({ proposal: proposal("p-1") }));

      const confirmed = await ledger.changeLink(change({ expected: "p-1", link }));

      expect(confirmed).toBe(true);
      expect(await ledger.linksOf("U0ENGINEER")).toEqual([link]);
      expect(await ledger.linkProposalOf("U0ENGINEER")).toBeNull();
    });

    test.each(["p-1", "p-2"])("is decided once, and only if exactly that proposal waits: %s", async (waiting) => {
      await ledger.changeLink(change({ proposal: proposal(waiting) }));

      const results = await Promise.all([1, 2].map(() => ledger.changeLink(change({ expected: "p-1", link }))));

      expect(results.filter(Boolean)).toHaveLength(waiting === "p-1" ? 1 : 0);
      expect(await ledger.events(1, 10)).toHaveLength(waiting === "p-1" ? 2 : 1);
    });
  });

  test("a person has one link in each account: a new one replaces that of its own account alone", async () => {
    const elsewhere = { ...link, arn: "arn:aws:iam::444455556666:role/engineer" };
    const newer = { ...link, arn: "arn:aws:iam::111122223333:role/engineer" };
    for (const each of [elsewhere, link, newer]) await ledger.changeLink(change({ link: each }));

    await ledger.linkPrincipal("U0ENGINEER", { ...link, arn: "arn:aws:iam::444455556666:user/first-asked-with" });

    expect(await ledger.linksOf("U0ENGINEER")).toEqual([newer, elsewhere]);
    expect(await ledger.formerLinksOf("U0ENGINEER")).toEqual([link]);
  });

  test("all people's links are replaced, former ones too, except what changed meanwhile", async () => {
    const newer = { ...link, arn: "arn:aws:iam::111122223333:role/engineer" };
    for (const each of [link, newer]) await ledger.changeLink(change({ link: each }));
    await ledger.changeLink(change({ user: "U0ONCALL", link }));
    const again = (sealed: string, each = link) => ({ ...each, seal: { ...each.seal, seal: sealed } });
    const changes: Promise<boolean>[] = [];

    const replaced = await ledger.replaceLinks((user, each) => {
      if (user === "U0ONCALL") changes.push(ledger.changeLink(change({ user, link: newer })));
      return each.seal?.seal === "00000000.00" && each.arn === arn ? again("11111111.00") : null;
    });
    await Promise.all(changes);

    expect(replaced).toBeGreaterThan(0);
    expect(await ledger.linksOf("U0ENGINEER")).toEqual([newer]);
    expect(await ledger.formerLinksOf("U0ENGINEER")).toEqual([again("11111111.00")]);
    expect(await ledger.linksOf("U0ONCALL")).toEqual([newer]);
  });

  test("the ledger remembers a person's first principal in an account, and never overwrites a link", async () => {
    const link = {
      arn: "arn:aws:iam::111122223333:user/new",
      seal: { by: null, at: at(0).toISOString(), seal: "00000000.00" },
    };
    await ledger.linkPrincipal("U0ENGINEER", link);

    await ledger.linkPrincipal("U0ENGINEER", { arn: "arn:aws:iam::111122223333:user/later", seal: null });

    expect(await ledger.linksOf("U0ENGINEER")).toEqual([link]);
    expect(await ledger.linksOf("U0ONCALL")).toEqual([]);
  });

  test("Slack processes share the people of user groups, the newest alone", async () => {
    const shared = (user: string) => ({ workspace: "", at: at(0).toISOString(), groups: { S0A: [user] }, seal: "one" });
    const before = await ledger.userGroups();
    for (const user of ["U0ENGINEER", "U0ONCALL"]) await ledger.shareUserGroups(shared(user));

    expect([before, await ledger.userGroups()]).toEqual([null, shared("U0ONCALL")]);
  });

  test("the ledger remembers only the newest answer about a person, by cluster", async () => {
    const found = (cluster: string, email: string, user = "U0ENGINEER") => ({
      ...{ user, cluster, email, at: at(0).toISOString(), person: null, why: "user-not-found" as const, seal: "one" },
    });
    await ledger.rememberIdentities(found("staging", "old@example.com"));

    for (const cluster of ["staging", "payments"]) await ledger.rememberIdentities(found(cluster, "new@example.com"));

    expect(await ledger.identitiesOf("U0ENGINEER")).toEqual(
      new Map(["staging", "payments"].map((cluster) => [cluster, found(cluster, "new@example.com")])),
    );
    expect(await ledger.identitiesOf("U0ONCALL")).toEqual(new Map());
  });
}
