import { pino } from "pino";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { textOf } from "../../../sandbox/slack/message-content.ts";
import type { Trouble } from "../../../src/access/lease/lease-record.ts";
import type { AccessRequest } from "../../../src/access/record.ts";
import { startTroublePoster } from "../../../src/slack/show/trouble-poster.ts";
import { aCluster, clustersOf, configText } from "../../builders/a-cluster.ts";
import { aLeasedRequest, anApprovedRequest, aPreviewedRequest, aRequest } from "../../builders/a-request.ts";
import { aTrouble } from "../../builders/a-trouble.ts";
import { aChange } from "../../builders/an-event.ts";
import { at, minutes } from "../../builders/times.ts";
import { aClient } from "../../sandbox/slack/a-client.ts";
import { aSlackApp, type SlackApp } from "../a-slack-app.ts";

const trouble = aTrouble({
  code: "access-entry-denied",
  message: "AWS refused eks:CreateAccessEntry (AccessDeniedException). Give the role its statements.",
});
let app: SlackApp;

beforeEach(async () => {
  app = await aSlackApp();
});
afterEach(() => app.stop());

const inChannel = () => app.slack.messages("C0ACCESS").map(textOf);
const direct = () => app.person("U0ENGINEER").directMessages().map(textOf).join("\n");
const show = (id: string) => app.show(id).catch(() => undefined);

/** The next look of two Slack processes for what begins and what is over. */
async function look(...names: readonly string[]): Promise<void> {
  const named = ["staging", ...names].map((name) => aCluster({ name, onCall: [`U0${name.toUpperCase()}`] }));
  const { ledger, slack } = app;
  const context = { ledger, configuration: () => ({ clusters: clustersOf(...named) }), client: aClient(slack) };
  app.pass(5);
  const poster = () => startTroublePoster({ ...context, log: pino({ level: "silent" }), now: () => new Date() }).stop();
  await Promise.all([poster(), poster()]);
}

test("what an operator must repair is posted once, however many requests wait; the engineer gets one plain line", async () => {
  for (const id of ["r-1", "r-2"]) {
    await app.put({ ...aRequest({ id }), trouble });
    await show(id);
    await look();
  }

  expect(inChannel()).toEqual([
    expect.stringMatching(
      /^:warning: \*Requests for `staging` wait for a repair\.\*\n>.*eks:CreateAccessEntry.*\nThe worker retries within 15 minutes, or now by `\/eks-access check staging`\.\nOn call: <@U0STAGING>\n\[Run check\]$/,
    ),
  ]);
  expect(direct()).toMatch(
    /`viewer` on `staging` \(`r-1`\) waits: I can't work on `staging` now\. I keep trying until/,
  );
  expect(direct()).not.toContain("CreateAccessEntry");
});

test("an end that a webhook refuses is posted after a minute: no one else would know that the access stays", async () => {
  const refused = aTrouble({
    code: "cluster-refused-write",
    message: "The API server answered 403: by policy. Allow it.",
  });
  const plain =
    "`viewer` on `staging` (`r-2`) should have ended, but I can't remove the access now. I keep trying. I call the operators in <#C0ACCESS>.";
  const asked = { id: "r-1", requester: "U0ENGINEER", cluster: "staging" };

  await app.put({ ...aLeasedRequest({ state: "active", endsAt: refused.retryAt }, asked), trouble: refused });
  await show("r-1");
  await look();
  const before = inChannel().join();
  const over = aLeasedRequest({ state: "active", endsAt: refused.at }, { ...asked, id: "r-2" });
  await app.put({ ...over, trouble: refused });
  await show("r-2");
  await look();

  expect(app.person("U0ENGINEER").directMessages().map(textOf)).toContain(`${plain}\n[Details]`);
  expect(before).not.toContain("can't end");
  expect(inChannel().at(-1)).toMatch(
    /^:warning: \*Leases of `staging` can't end\.\*\n>The API server answered 403: by policy\. Allow it\.\nThe worker retries each minute\./,
  );
});

/** The next version of a record, as people see it. */
async function change(request: AccessRequest): Promise<void> {
  const before = await app.ledger.get(request.id);
  await app.ledger.commit(aChange({ ...request, version: (before?.version ?? 0) + 1 }));
  await show(request.id);
}

describe("the end of what the channel knows", () => {
  const works = /^:white_check_mark: \*`staging` works again\.\*$/;

  test("is posted once, and the same cause minutes later is news again", async () => {
    await change({ ...aRequest(), trouble });
    await look();
    await change(aPreviewedRequest());
    await look();
    app.pass(minutes(5));
    const again = { ...trouble, at: new Date().toISOString() };
    await change({ ...aRequest({ id: "r-2" }), trouble: again });
    await change({ ...aRequest({ id: "r-3" }), trouble: again });
    await look();

    expect(inChannel().filter((text) => !text.includes("[Approve]"))).toEqual([
      expect.stringMatching(/wait for a repair/),
      expect.stringMatching(works),
      expect.stringMatching(/wait for a repair/),
    ]);
  });

  test("waits for the last request, so that two causes in turn say nothing twice", async () => {
    const other = aTrouble({ code: "aws-denied", message: "AWS has no more access entries. Raise the quota." });
    for (const now of [trouble, other, trouble, other]) {
      await change({ ...aRequest(), trouble: now });
      await look();
    }
    await change({ ...aRequest({ id: "r-2" }), trouble });
    await change({ ...aRequest(), trouble: null });
    await look();

    const posted = inChannel().filter((text) => !text.includes("[Approve]"));
    expect(posted).toHaveLength(2);
    expect(posted.join()).not.toContain("works again");
  });

  test("is no promise that it works, if the request only expired", async () => {
    await change({ ...aRequest(), trouble });
    await look();
    await change({ ...aRequest(), state: "expired", trouble: null });
    await look();

    expect(inChannel().at(-1)).toBe("*No request for `staging` waits any more.*");
  });
});

describe("an outage of several clusters of one channel", () => {
  beforeEach(async () => {
    await app.stop();
    const [staging = ""] = /^ {2}staging:\n(?: {4,}.*\n)+/m.exec(configText) ?? [];
    const payments = staging.replace("staging:", "payments:").replace("staging-eks", "payments-eks");
    app = await aSlackApp({ config: configText.replace("levels:\n  viewer", `${payments}levels:\n  viewer`) });
    for (const [id, cluster] of [
      ["r-1", "staging"],
      ["r-2", "payments"],
    ] as const)
      await change({ ...aRequest({ id, cluster }), trouble });
  });

  test("is one message, and so is its end", async () => {
    await look("payments");
    await change(aPreviewedRequest({ cluster: "staging" }));
    await change(aPreviewedRequest({ id: "r-2", cluster: "payments" }));
    await look("payments");

    expect(inChannel().filter((text) => !text.includes("[Approve]"))).toEqual([
      expect.stringMatching(
        /^:warning: \*Requests for 2 clusters wait for a repair\.\* For example `.*`:\n>.*eks:CreateAccessEntry.*\nClusters: `staging`, `payments`\. `\/eks-access status` lists all\.\n.*\nOn call: <@U0STAGING>, <@U0PAYMENTS>\n\[Run status\]$/,
      ),
      ":white_check_mark: *2 clusters work again.*\nClusters: `staging`, `payments`.",
    ]);
  });

  test("has one message for each news, also if Slack refuses each once", async () => {
    const refuse = () => {
      const body = JSON.stringify({ ok: false, error: "internal_error" });
      app.slack.faults.plan("slack.chat.postMessage", { type: "answer", status: 200, body });
    };
    refuse();
    await look("payments");
    app.pass(minutes(2));
    await look("payments");
    await change(aPreviewedRequest({ cluster: "staging" }));
    await change(aPreviewedRequest({ id: "r-2", cluster: "payments" }));
    refuse();
    await look("payments");
    app.pass(minutes(2));
    await look("payments");
    await look("payments");

    expect(inChannel().filter((text) => !text.includes("[Approve]"))).toEqual([
      expect.stringContaining("Requests for 2 clusters wait for a repair"),
      expect.stringContaining("2 clusters work again"),
    ]);
    expect(await app.ledger.outages()).toEqual(new Map());
  });

  test("that is over before a look is no message, nor is its end", async () => {
    await change(aPreviewedRequest({ cluster: "staging" }));
    await change(aPreviewedRequest({ id: "r-2", cluster: "payments" }));

    await look("payments");

    expect(inChannel().filter((text) => !text.includes("[Approve]"))).toEqual([]);
  });

  test("whose first reader fails in the middle is posted minutes later, as one message", async () => {
    const { ledger } = app;
    const list: typeof ledger.list = (of, ...rest) =>
      of.clusters.includes("payments") ? Promise.reject(new Error("no Redis")) : ledger.list(of, ...rest);
    const whole = app;
    app = { ...app, ledger: { ...ledger, list } };
    await look("payments");
    app = whole;
    app.pass(minutes(2));

    await look("payments");

    expect(inChannel()).toEqual([expect.stringMatching(/Requests for 2 clusters wait for a repair/)]);
  });
});

test("while the worker can't get in, its own message says so instead", async () => {
  const closed = { ...trouble, since: at(0).toISOString(), configuration: "one", overAt: null };
  await app.ledger.setClusterTrouble("staging", closed);
  await app.put({ ...anApprovedRequest(), trouble });

  await show("r-1");
  await look();

  expect(inChannel().join()).not.toContain("wait for a repair");
});

test("a cluster that closes by a cause that the channel has already is no news, and its end is posted once", async () => {
  const lasting = { ...trouble, at: at(0).toISOString() };
  const closed = { ...lasting, since: at(0).toISOString(), configuration: "one", overAt: null };
  await change({ ...aRequest(), trouble: lasting });
  await look();
  await app.ledger.setClusterTrouble("staging", closed);
  await look();
  await look();
  await app.ledger.setClusterTrouble("staging", { ...closed, overAt: new Date().toISOString() });
  await change(aPreviewedRequest());
  await look();

  expect(inChannel().filter((text) => !text.includes("[Approve]"))).toEqual([
    expect.stringMatching(/wait for a repair/),
    expect.stringMatching(/works again/),
  ]);
});

test("a failure from before the cluster worked again is no news: the worker tries the request now", async () => {
  const over = { since: at(0).toISOString(), configuration: "one", overAt: at(minutes(2)).toISOString() };
  await app.ledger.setClusterTrouble("staging", { ...trouble, ...over });
  await app.put({ ...aRequest(), trouble });

  await show("r-1");
  await look();

  expect(inChannel()).toEqual([]);
});

test("a failure of the request itself is the engineer's to know", async () => {
  const exists = aTrouble({ code: "binding-exists", message: "There is another binding of that name." });
  await app.put({ ...aRequest(), trouble: exists });

  await show("r-1");
  await look();

  expect(direct()).toContain("There is another binding of that name");
  expect(inChannel()).toEqual([]);
});

test("a webhook or writer that keeps an entry out is the operators' to find, and the engineer reads one plain line", async () => {
  const message = "Read back, aws-auth is not as planned. If this lasts, find the other writer.";
  await app.put({ ...aRequest(), trouble: aTrouble({ code: "cluster-conflict", message, attempts: 7 }) });

  await show("r-1");
  await look();

  expect(direct()).toMatch(/^`viewer` on `staging` \(`r-1`\) waits: I can't work on `staging` now\./);
  expect(direct()).not.toContain("writer");
  expect(inChannel().at(-1)).toMatch(
    /Requests for `staging` wait\.\*\n>Read back, aws-auth is not as planned\. If this/,
  );
});

describe("an API server that keeps failing", () => {
  const answered =
    "The API server answered 500 to GET configmap aws-auth of cluster staging: etcdserver: request timed out";
  const lasting = (change: Partial<Trouble> = {}) =>
    aTrouble({ code: "cluster-unexpected", message: `${answered}. Check it.`, attempts: 7, ...change });

  test("is posted once for all requests, with its answer, remedy and on-call, and again for another cause", async () => {
    for (const id of ["r-1", "r-2"]) {
      await app.put({ ...aRequest({ id }), trouble: lasting() });
      await show(id);
      await look();
    }
    const overloaded = "The API server answered 429 to GET configmap aws-auth of cluster staging. Find the client.";
    await app.put({
      ...aRequest({ id: "r-3" }),
      trouble: lasting({ code: "cluster-throttled", message: overloaded }),
    });
    await show("r-3");
    await look();

    expect(inChannel()).toEqual([
      expect.stringMatching(/Requests for `staging` wait\..*etcdserver: request timed out\. Check it\..*each minute/s),
      expect.stringMatching(/Requests for `staging` wait\..*answered 429.*Find the client\./s),
    ]);
  });

  test("gives the engineer one plain line without its answer, and the result later", async () => {
    const waiting = await app.put({ ...anApprovedRequest(), trouble: lasting() });
    await show("r-1");
    const during = direct();
    const active = aLeasedRequest({ state: "active" }, { version: waiting.version + 1 });
    await app.ledger.commit(aChange(active));
    await show("r-1");

    expect(during).toMatch(/waits: I can't work on `staging` now\. I keep trying until/);
    expect(during).not.toContain("etcdserver");
    expect(direct()).toMatch(/active until/i);
    expect(direct()).not.toContain("waits:");
  });

  test("is no news within the first minute", async () => {
    const short = lasting({ attempts: 3, retryAt: at(minutes(1) + 4).toISOString() });
    await app.put({ ...aRequest(), trouble: short });

    await show("r-1");
    await look();

    expect(inChannel()).toEqual([]);
  });
});
