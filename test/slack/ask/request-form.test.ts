import { describe, expect, test } from "vitest";
import { problemsOfView } from "../../../sandbox/slack/block-limits.ts";
import { clusterRule } from "../../../src/access/policy/rule.ts";
import {
  blockOf,
  type ClusterOffer,
  completeForm,
  durationsOf,
  emptyForm,
  readForm,
  readFormParts,
  showsForm,
} from "../../../src/slack/ask/form.ts";
import { suggestionsOf } from "../../../src/slack/ask/form-fields.ts";
import { requestModal } from "../../../src/slack/ask/request-modal.ts";
import { aCluster, aLevel } from "../../builders/a-cluster.ts";

const engineer = "arn:aws:iam::111122223333:user/engineer";

const offerOf = (name: string, ...levels: readonly string[]): ClusterOffer => {
  const offered = levels.map((level) => ({ ...aLevel({ name: level }), permanent: false }));
  return {
    cluster: aCluster({ name, levels: offered }),
    person: { user: "U0ENGINEER", memberships: [] },
    levels: offered,
  };
};

function manyOffers(count: number): readonly ClusterOffer[] {
  return Array.from({ length: count }, (_, index) =>
    offerOf(`c${index}`.padEnd(63, "x"), `l${index}`.padEnd(63, "x"), "m".repeat(63)),
  );
}

const idsOf = (view: ReturnType<typeof requestModal>) => view.blocks.map(({ block_id: id }) => id).filter(Boolean);

describe("the form", () => {
  test.each([1, 2, 100, 101, 300])("with %d clusters is one that Slack takes", (count) => {
    const offers = manyOffers(count);
    const path = `arn:aws:iam::111122223333:role/${"p".repeat(512)}/${"n".repeat(64)}`;
    const last = offers.at(-1);
    const form = { ...emptyForm, cluster: last?.cluster.name ?? "", level: "m".repeat(63), principal: path };

    const view = requestModal(form, offers);

    expect(problemsOfView(view)).toEqual([]);
    expect(JSON.stringify(view)).toContain("Use this one");
  });

  test.each([
    [100, "static_select"],
    [101, "external_select"],
  ])("with %d clusters has them in a %s, with the one that was asked for last", (count, type) => {
    const offers = manyOffers(count);
    const last = offers.at(-1)?.cluster.name ?? "";

    const [cluster] = requestModal({ ...emptyForm, cluster: last }, offers).blocks;

    expect(cluster).toMatchObject({ element: { type, initial_option: { value: last } } });
  });

  test("finds a cluster by any parts of its name, those that begin with it first, as many as Slack takes", () => {
    const names = ["the-payments", "payments", "search", ...Array.from({ length: 200 }, (_, index) => `pay-${index}`)];

    expect(suggestionsOf(names, " PAYM ").map(({ value }) => value)).toEqual(["payments", "the-payments"]);
    expect(suggestionsOf(names, "the pay").map(({ value }) => value)).toEqual(["the-payments"]);
    expect(suggestionsOf(names, "")).toHaveLength(100);
    expect(suggestionsOf(names, "nowhere")).toEqual([]);
  });

  test("says before it is sent that the cluster takes no requests, and when an approval is harder to get", () => {
    const hours = { zone: "UTC", days: [1, 2, 3, 4, 5], from: 540, to: 1080, outside: "one-more-approval" } as const;
    const offer = offerOf("staging", "viewer");
    const cluster = { ...offer.cluster, quiet: "the sale runs", rules: [{ ...clusterRule, hours }] };

    const view = requestModal({ ...emptyForm, cluster: "staging", level: "viewer" }, [{ ...offer, cluster }]);

    expect(JSON.stringify(view.blocks)).toContain(":zzz: No requests now: the sale runs");
    expect(JSON.stringify(view.blocks)).toContain(
      "<@U0APPROVER2>. One more approval outside Mon to Fri, 09:00 to 18:00 (UTC).",
    );
  });

  test("asks for the level once there is a cluster, and for the time once there is a level", () => {
    const offers = [offerOf("staging", "viewer", "admin"), offerOf("production", "viewer")];

    const [nothing, staging, viewer] = [
      requestModal(emptyForm, offers),
      requestModal({ ...emptyForm, cluster: "staging" }, offers),
      requestModal({ ...emptyForm, cluster: "staging", level: "viewer" }, offers),
    ];

    expect(idsOf(nothing)).toEqual(["cluster", "for", "principal/0", "reason"]);
    expect(idsOf(staging)).toEqual(["cluster", "level/staging", "for", "principal/0", "reason"]);
    expect(idsOf(viewer)).toEqual([
      "cluster",
      "level/staging",
      "duration/staging/viewer",
      "other-duration/staging/viewer",
      "for",
      "principal/0",
      "reason",
    ]);
  });

  test("has chosen what there is no choice about", () => {
    const view = requestModal({ ...emptyForm, principal: engineer }, [offerOf("staging", "viewer")]);

    const [cluster, level, duration, , , principal] = view.blocks;

    expect(cluster).toMatchObject({ element: { initial_option: { value: "staging" } } });
    expect(level).toMatchObject({ element: { initial_option: { value: "viewer" } } });
    expect(duration).toMatchObject({ element: { initial_option: { value: "1h" } } });
    expect(principal).toMatchObject({ element: { initial_value: engineer } });
  });

  test.each([
    ["none", []],
    ["optional", [{ optional: true }]],
    ["required", [{ optional: false }]],
  ] as const)("has a field for a ticket where the cluster wants one: %s", (need, expected) => {
    const offer = offerOf("staging", "viewer");
    const offers = [{ ...offer, cluster: { ...offer.cluster, ticket: { need, pattern: "OPS-[0-9]+" } } }];

    const blocks = requestModal(emptyForm, offers).blocks.filter(({ block_id: id }) => id === "ticket/staging");

    expect(blocks).toMatchObject(expected);
    expect(problemsOfView(requestModal(emptyForm, offers))).toEqual([]);
  });

  test("says beside an ARN what is wrong with it, and offers the right one", () => {
    const path = "arn:aws:iam::111122223333:role/teams/payments/developers";

    const view = requestModal({ ...emptyForm, principal: path }, [offerOf("staging", "viewer")]);

    expect(JSON.stringify(view.blocks)).toContain("without its path");
    expect(view.blocks).toContainEqual(
      expect.objectContaining({
        accessory: expect.objectContaining({ value: "arn:aws:iam::111122223333:role/developers" }),
      }),
    );
  });
});

describe("what belongs together", () => {
  const offers = [offerOf("staging", "viewer", "admin"), offerOf("production", "viewer")];

  test.each([
    ["a level of another cluster is let go", { cluster: "staging", level: "owner" }, { cluster: "staging", level: "" }],
    ["a cluster that is not offered is let go", { cluster: "gone", level: "viewer" }, { cluster: "", level: "" }],
    ["the only level is chosen", { cluster: "production" }, { cluster: "production", level: "viewer", duration: "1h" }],
    ["a time that is too long is let go", { cluster: "production", duration: "12h" }, { duration: "1h" }],
    ["a time that is offered stays", { cluster: "production", duration: "4h" }, { duration: "4h" }],
    ["an earlier time stays", { cluster: "production", duration: "10m" }, { duration: "10m", otherDuration: "" }],
  ])("%s", (_, given, expected) => {
    expect(completeForm({ ...emptyForm, ...given }, offers).form).toMatchObject(expected);
  });

  test.each([
    [45, ["45s"]],
    [900, ["15m"]],
    [3600, ["15m", "30m", "1h"]],
    [5400, ["15m", "30m", "1h", "1h30m"]],
    [8 * 3600, ["15m", "30m", "1h", "2h", "4h", "8h"]],
  ])("of %d seconds at the most one can choose %j", (maxDurationSeconds, expected) => {
    expect(durationsOf({ maxDurationSeconds, permanent: false })).toEqual(expected);
  });

  test("an earlier time is a choice between the others, so no typed time replaces what one chooses", () => {
    const [{ levels }] = [offerOf("staging", "viewer")];
    const times = levels.map((level) => durationsOf(level, "45m"));

    expect(times[0]).toEqual(["15m", "30m", "45m", "1h", "2h", "4h", "8h"]);
  });

  test("permanent is the last choice if a rule allows it, and never the default", () => {
    const [offer] = [offerOf("staging", "viewer")];
    const levels = offer.levels.map((level) => ({ ...level, permanent: true }));

    const { form, level } = completeForm(emptyForm, [{ ...offer, levels }]);

    expect(level && durationsOf(level).at(-1)).toBe("permanent");
    expect(form.duration).toBe("1h");
  });
});

describe("what is in the form", () => {
  const view = {
    private_metadata: JSON.stringify({ replaced: 2, shown: "x" }),
    state: {
      values: {
        cluster: { "request-cluster": { type: "static_select", selected_option: { value: "staging" } } },
        "level/staging": { "request-level": { type: "static_select", selected_option: { value: "viewer" } } },
        "principal/2": { "request-principal": { type: "plain_text_input", value: ` "A${engineer.slice(1)}",\n` } },
        "duration/staging/viewer": { value: { type: "static_select", selected_option: null } },
        reason: { value: { type: "plain_text_input", value: "why" } },
      },
    },
  } as unknown as Parameters<typeof readFormParts>[0];

  test("is read without what no one sees in it, so that no line to copy has it", () => {
    const typed = (value: string) => ({ value: { type: "plain_text_input", value } });
    const values = { ...view.state.values, reason: typed("w\u200bh\u202ey"), ticket: typed("OPS\u2060-1") };

    expect(readFormParts({ ...view, state: { values } } as typeof view)).toMatchObject({
      reason: "why",
      ticket: "OPS-1",
    });
  });

  test("is read part by part, and what was left empty as nothing", () => {
    expect(readFormParts(view)).toEqual({
      cluster: "staging",
      level: "viewer",
      for: null,
      namespaces: "",
      principal: engineer,
      duration: "",
      ticket: null,
      reason: "why",
    });
    expect(readForm(view)).toEqual({
      cluster: "staging",
      level: "viewer",
      askedFor: "",
      principal: engineer,
      identity: "",
      duration: "",
      otherDuration: "",
      namespaces: "",
      ticket: "",
      replaced: 2,
      recent: [],
      answerSeconds: null,
    });
  });

  test("is found by its part: a mistake appears at its field, or at the cluster without such a field", () => {
    expect(blockOf(view, "principal")).toBe("principal/2");
    expect(blockOf({ ...view, state: { values: {} } }, "level")).toBe("cluster");
  });

  test.each(["", "nonsense", '{"replaced":-1}', "[]"])("counts anew where the form does not say: %j", (text) => {
    expect(readForm({ ...view, private_metadata: text }).replaced).toBe(0);
  });

  test("is no reason to change the form, as long as nothing follows from it", () => {
    const offers = [offerOf("staging", "viewer", "admin")];
    const shown = requestModal({ ...emptyForm, principal: "arn:aws" }, offers);

    expect(showsForm(shown as never, requestModal({ ...emptyForm, principal: "arn:aws:iam" }, offers))).toBe(true);
    expect(showsForm(shown as never, requestModal({ ...emptyForm, level: "viewer" }, offers))).toBe(false);
    expect(showsForm(shown as never, requestModal({ ...emptyForm, replaced: 1 }, offers))).toBe(false);
  });
});
