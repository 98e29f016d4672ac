import { beforeEach, describe, expect, test } from "vitest";
import { otherLeasesInLedger } from "../../../src/access/lease/cluster-leases.ts";
import type { AccessRequest, ApprovedRequest } from "../../../src/access/record.ts";
import { digestOfChange } from "../../../src/access/seals.ts";
import { slackFailure } from "../../../src/slack/app/web-client.ts";
import { revokeLease } from "../../../src/slack/decide/end-access.ts";
import { configText } from "../../builders/a-cluster.ts";
import { aLeasedRequest, anApprovedRequest, aPreview, aRequest } from "../../builders/a-request.ts";
import { aChange } from "../../builders/an-event.ts";
import { at, hours } from "../../builders/times.ts";
import { click } from "../../fault/click.ts";
import { memoryLedger } from "../../ledger/memory-ledger.ts";
import { aSlackContext, noGroups } from "../slack-context.ts";

let ledger = memoryLedger();
let context = aSlackContext(ledger);

beforeEach(() => {
  ledger = memoryLedger();
  context = aSlackContext(ledger);
});

async function put<Request extends AccessRequest>(request: Request): Promise<Request> {
  const first = { ...request, version: 1 };
  await ledger.commit(aChange(first));
  return first;
}

/** What waits for a decision, as the worker has seen it beside these leases. */
async function putPending(change: Partial<AccessRequest>, open: readonly ApprovedRequest[]): Promise<AccessRequest> {
  const request = aRequest(change);
  const cluster = context.config.clusters.get(request.cluster) ?? expect.fail("there is no such cluster");
  const level = cluster.levels.find(({ name }) => name === request.level) ?? expect.fail("there is no such level");
  const leases = otherLeasesInLedger(request, open, new Set(), context.now());
  const digest = digestOfChange(request, cluster, level, { base: null, way: "aws-auth", leases });
  return put({ ...request, preview: aPreview({ digest, leases }) });
}

const types = async (id: string) => (await ledger.eventsOf(id, 10)).map(({ event }) => event.type);

describe("a click on Approve", () => {
  test("of an extension gives nothing once its lease is being revoked, and the worker looks again", async () => {
    const one = await put(aLeasedRequest({}, { id: "r-one" }));
    const two = await putPending({ id: "r-two", extends: "r-one" }, [one]);
    await revokeLease(context, "U0APPROVER", "r-one", "");

    const said = await click(context, "approved", two, "U0APPROVER");

    expect(said).toEqual(["`r-one` has ended."]);
    expect(await ledger.get("r-two")).toMatchObject({ state: "pending", preview: null, approvals: [] });
    expect((await types("r-two")).at(-1)).toBe("decision.refused");
  });

  test("gives nothing once another lease of the principal has begun that its approver was not shown", async () => {
    const two = await putPending({ id: "r-two" }, []);
    await put(aLeasedRequest({}, { id: "r-one", level: "admin", groups: ["eks-access:admins"] }));

    const said = await click(context, "approved", two, "U0APPROVER");

    expect(said[0]).toContain("began or ended. The worker checks again");
    expect(await ledger.get("r-two")).toMatchObject({ state: "pending", preview: null });
  });

  test("waits for another lease that still ends: until it is gone the next preview would be the same", async () => {
    const one = await put(aLeasedRequest({}, { id: "r-one", level: "admin", groups: ["eks-access:admins"] }));
    const two = await putPending({ id: "r-two" }, [one]);
    await revokeLease(context, "U0APPROVER", "r-one", "");

    const said = await click(context, "approved", two, "U0APPROVER");

    expect(said[0]).toContain("is ending. Approve after that");
    expect(await ledger.get("r-two")).toEqual(two);
  });

  test("counts where another lease ended when it was to end", async () => {
    const one = await put(anApprovedRequest({ id: "r-one", durationSeconds: 60 }));
    const two = await putPending({ id: "r-two" }, [one]);

    const said = await click(context, "approved", two, "U0APPROVER");

    expect(said).toEqual([]);
    expect(await ledger.get("r-two")).toMatchObject({ state: "approved" });
  });

  test("counts beside a lease of another principal", async () => {
    const two = await putPending({ id: "r-two" }, []);
    await put(aLeasedRequest({}, { id: "r-one", principal: "arn:aws:iam::111122223333:user/colleague" }));

    await click(context, "approved", two, "U0APPROVER");

    expect(await ledger.get("r-two")).toMatchObject({ state: "approved" });
  });

  test("counts beside a lease by the other way, bindings or groups: the worker compares only those of one way", async () => {
    const bindings = ["ClusterRole view in shop"];
    const [one, two] = [await putPending({ id: "r-one" }, []), await putPending({ id: "r-two", groups: bindings }, [])];
    await put(aLeasedRequest({}, { id: "r-three", groups: bindings }));

    await click(context, "approved", one, "U0APPROVER");
    const said = await click(context, "approved", two, "U0APPROVER");

    expect(await ledger.get("r-one")).toMatchObject({ state: "approved" });
    expect(said[0]).toContain("began or ended. The worker checks again");
  });
});

describe("revoking a lease that is extended", () => {
  test("ends what extends it too, and what extends that, and says so", async () => {
    await put(aLeasedRequest({}, { id: "r-one" }));
    await put(aLeasedRequest({ endsAt: at(hours(6)).toISOString() }, { id: "r-two", extends: "r-one" }));
    await put(anApprovedRequest({ id: "r-three", extends: "r-two" }));
    await put(aLeasedRequest({}, { id: "r-other" }));

    const { text } = await revokeLease(context, "U0APPROVER", "r-one", "incident 42");

    expect(text).toBe("Revoking `r-one`, `r-two`, `r-three`. The request messages will confirm.");
    const ends = await Promise.all(["r-one", "r-two", "r-three", "r-other"].map((id) => ledger.get(id)));
    expect(ends.map((each) => each?.lease?.end?.why)).toEqual([
      "incident 42",
      "it is the same access as r-one, which was revoked",
      "it is the same access as r-one, which was revoked",
      undefined,
    ]);
    expect((await types("r-three")).at(-1)).toBe("lease.ending");
  });

  test("ends the whole access from its extension too, because that one has the button", async () => {
    await put(aLeasedRequest({}, { id: "r-one" }));
    await put(aLeasedRequest({}, { id: "r-two", extends: "r-one" }));
    await put(aLeasedRequest({}, { id: "r-sibling", extends: "r-one" }));

    const { text } = await revokeLease(context, "U0APPROVER", "r-two", "");

    expect(text).toContain("Revoking `r-two`, `r-one`, `r-sibling`. The request messages will confirm.");
    const ends = await Promise.all(["r-one", "r-two", "r-sibling"].map((id) => ledger.get(id)));
    expect(ends.map((each) => each?.lease?.end?.cause)).toEqual(["revoked", "revoked", "revoked"]);
  });

  /** Each call that a revocation makes to the ledger, up to the one that records it. */
  const steps = Array.from({ length: 5 }, (_, index) => index + 1);
  test.each(steps)(
    "ends an extension that is approved and begins right before its call %i to the ledger",
    async (nth) => {
      await put(aLeasedRequest({}, { id: "r-one" }));
      let calls = 0;
      let isRevoked = false;
      const real = ledger;
      const racing = new Proxy(real, {
        get: (target, name) => {
          const method: unknown = Reflect.get(target, name);
          if (typeof method !== "function") return method;
          return async (...args: readonly unknown[]) => {
            calls += 1;
            if (calls === nth && !isRevoked) await put(aLeasedRequest({}, { id: "r-two", extends: "r-one" }));
            const result: unknown = await Reflect.apply(method, target, args);
            isRevoked ||= (await real.get("r-one"))?.lease?.end != null;
            return result;
          };
        },
      });

      const { text } = await revokeLease(aSlackContext(racing), "U0APPROVER", "r-one", "");

      const extension = await real.get("r-two");
      expect((await real.get("r-one"))?.lease?.end?.cause).toBe("revoked");
      expect(extension ? extension.lease?.end?.cause : "revoked").toBe("revoked");
      expect(text.includes("r-two")).toBe(extension !== null);
    },
  );

  test("works for an approver by a user group while another one of the policy is gone from Slack", async () => {
    const membershipsOf = async (_: string, named: readonly string[]) => {
      if (named.includes("S0GONE")) throw slackFailure({ data: { error: "no_such_subteam" } }, "S0GONE");
      return named.filter((name) => name === "S0LEADS");
    };
    const text = configText.replace("[U0APPROVER,", "[S0GONE, S0LEADS, U0APPROVER,");
    await put(aLeasedRequest({}, { id: "r-one" }));

    await revokeLease(aSlackContext(ledger, text, { ...noGroups, membershipsOf }), "U0LEAD", "r-one", "");

    expect((await ledger.get("r-one"))?.lease?.end).toMatchObject({ cause: "revoked", by: "U0LEAD" });
  });

  test("ends nothing for a person who can't revoke it", async () => {
    await put(aLeasedRequest({}, { id: "r-one" }));
    await put(aLeasedRequest({}, { id: "r-two", extends: "r-one" }));

    await revokeLease(context, "U0SOMEBODY", "r-one", "");

    expect((await ledger.get("r-two"))?.lease?.end).toBeNull();
  });
});
