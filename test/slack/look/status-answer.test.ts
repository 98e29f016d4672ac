import { describe, expect, test } from "vitest";
import { lengthOfText, longestText, problemsOf, problemsOfView } from "../../../sandbox/slack/block-limits.ts";
import type { ChainedEvent } from "../../../src/access/audit-event.ts";
import { statusAnswer, timelineText } from "../../../src/slack/look/status-answer.ts";
import { detailsModal, failureAnswer } from "../../../src/slack/show/message.ts";
import { aPreview, aPreviewedRequest } from "../../builders/a-request.ts";
import { anEvent } from "../../builders/an-event.ts";
import { longestStates } from "../../builders/longest-states.ts";
import { states } from "../../builders/states.ts";
import { at, minutes } from "../../builders/times.ts";
import { textOfBlocks } from "../show/text-of-blocks.ts";

const acts = ["approve", "deny", "cancel", "extend", "revoke"] as const;

function chained(sequence: number, change: Partial<ChainedEvent["event"]> = {}): ChainedEvent {
  return { sequence, event: anEvent({ at: at(minutes(sequence)).toISOString(), ...change }), previous: "", hash: "" };
}

const story: readonly ChainedEvent[] = [
  chained(1),
  chained(3, { type: "request.delayed", actor: "worker", detail: { code: "aws-throttled", attempts: 2 } }),
  chained(4, { type: "request.previewed", actor: "worker" }),
  chained(9, { type: "request.denied", actor: "U0APPROVER", detail: { why: "use *staging-2*" } }),
];

describe("the status of a request", () => {
  test.each(Object.entries(states))("that is %s", (_, request) => {
    const answer = statusAnswer({ request, events: story, acts: [] });

    expect(`${answer.text}\n\n${textOfBlocks(answer)}`).toMatchSnapshot();
  });

  test.each(Object.entries(longestStates))("that is %s is something that Slack takes", (_, request) => {
    const events = Array.from({ length: 60 }, (__, index) =>
      chained(index + 1_000_000, { type: "decision.refused", detail: { why: "&".repeat(500), code: "&".repeat(500) } }),
    );
    const answer = statusAnswer({ request, events, acts });

    expect(problemsOf(answer.blocks)).toEqual([]);
    expect(lengthOfText(answer.blocks)).toBeLessThan(longestText);
    expect(problemsOfView(detailsModal(request.id, answer, failureAnswer("&".repeat(3_000))))).toEqual([]);
  });

  test("warns before it shows the change, and of full control also where only a role gives it", () => {
    const rights = [
      {
        group: "eks-access:admins",
        role: "ClusterRole cluster-admin",
        where: "in every namespace",
        allows: "everything",
      },
    ];
    const preview = aPreview({ rights, warnings: ["First time: the requester had no lease with this principal."] });

    const text = textOfBlocks(statusAnswer({ request: aPreviewedRequest({ preview }), events: story, acts: [] }));

    const places = ["Full control: everything in every namespace", "First time: ", "*What these groups can do*"];
    expect(places.map((each) => text.indexOf(each))).toEqual(
      places.map((each) => text.indexOf(each)).toSorted((a, b) => a - b),
    );
    expect(text).toContain(places[0]);
  });

  test("names the principal's other leases, which add to what an approver gives", () => {
    const endsAt = at(minutes(90)).toISOString();
    const others = Array.from({ length: 6 }, (_, index) => ({ id: `r-${index}`, groups: [`team-${index}`], endsAt }));
    const leases = [{ id: "r-none", groups: [], endsAt }, ...others];
    const request = aPreviewedRequest({ preview: aPreview({ leases }) });

    const text = textOfBlocks(statusAnswer({ request, events: story, acts: [] }));

    expect(text).toMatch(/\*Other leases\* `team-0` until .* \(`r-0`\), .*`team-4` until .* \(`r-4`\), and 1 more/);
    expect(text).not.toContain("r-none");
  });

  test("names each chosen namespace, however many roles and longer names come first", () => {
    const chosen = [...Array.from({ length: 19 }, (_, index) => `${"a".repeat(61)}${index + 10}`), "kube-system"];
    const namespaces = chosen.join(",");

    for (const request of [aPreviewedRequest({ namespaces }), ...Object.values(longestStates)]) {
      const { blocks } = statusAnswer({ request: { ...request, namespaces }, events: story, acts: [] });

      for (const name of chosen) expect(textOfBlocks({ blocks })).toContain(`\`${name}\``);
      expect(problemsOf(blocks)).toEqual([]);
      expect(lengthOfText(blocks)).toBeLessThan(longestText);
    }
  });

  test("counts the warnings that it does not show", () => {
    const warnings = Array.from({ length: 14 }, (_, index) => `Warning ${index + 1}: it is so.`);

    const text = textOfBlocks(
      statusAnswer({ request: aPreviewedRequest({ preview: aPreview({ warnings }) }), events: story, acts: [] }),
    );

    expect(text).toContain("Warning 10: it is so");
    expect(text).toContain("4 more warnings");
  });

  test("has a button for each thing that the reader may do, and no other", () => {
    const request = aPreviewedRequest();

    expect(textOfBlocks(statusAnswer({ request, events: story, acts: ["approve", "deny"] }))).toMatch(
      /\[Approve\] \[Deny\]$/,
    );
    expect(textOfBlocks(statusAnswer({ request, events: story, acts: [] }))).not.toMatch(/\[\w+\]/);
  });
});

describe("the timeline", () => {
  test("shows each event with its number, its time, who did it, and why", () => {
    expect(timelineText(story, 2_500)).toMatchInlineSnapshot(`
      "\`#1\` <!date^1772355660^{date_short_pretty} {time}|2026-03-01 09:01:00 UTC> <@U0ENGINEER> asked
      \`#3\` <!date^1772355780^{date_short_pretty} {time}|2026-03-01 09:03:00 UTC> \`worker\` could not check the cluster yet (\`aws-throttled\`, try 2)
      \`#4\` <!date^1772355840^{date_short_pretty} {time}|2026-03-01 09:04:00 UTC> \`worker\` checked the cluster
      \`#9\` <!date^1772356140^{date_short_pretty} {time}|2026-03-01 09:09:00 UTC> <@U0APPROVER> denied it: use \`*staging-2*\`"
    `);
  });

  test("shows no empty code", () => {
    const planned = chained(1, { type: "migration.planned", detail: { plan: "d1", code: "" } });

    expect(timelineText([planned], 900, "repair")).toMatch(/ planned a repair$/);
  });

  test("shows an event that only a newer version knows, or someone with Redis wrote, as text", () => {
    const lie = "<!channel> <https://evil.example|Approve>";
    const forged = ["lease.canaried", "constructor", lie].map((type, at) => chained(at + 1, { type: type as never }));
    const found = chained(4, { type: "lease.rights-asked", detail: { authorized: lie } });
    const signedIn = chained(5, { type: "lease.signed-in", detail: { signedIn: lie } });

    const text = timelineText([...forged, found, signedIn], 2_500);

    expect(text).toContain(" `lease.canaried`\n");
    expect(text).not.toMatch(/<!channel|<https/);
  });

  test("leaves out refused attempts first: no one hides with them what happened", () => {
    const refused = (from: number) =>
      Array.from({ length: 40 }, (_, index) => chained(from + index, { type: "attempt.refused", actor: "U0STRANGER" }));
    const approved = chained(50, { type: "request.approved", actor: "U0APPROVER" });
    const ended = chained(100, { type: "lease.ended", actor: "worker" });

    const text = timelineText([chained(1), ...refused(2), approved, ...refused(51), ended], 900);

    expect(text.length).toBeLessThanOrEqual(900);
    expect(text).toMatch(/^`#1` .*\n… \d+ more …\n`#50` .* approved it\n(?:`#\d+` .* action blocked\n)+`#100` /);
  });

  test("keeps its beginning and its end where it is too long, and says how much is left out", () => {
    const long = Array.from({ length: 60 }, (_, index) => chained(index + 1, { type: "decision.refused" }));

    const text = timelineText(long, 900);

    expect(text.length).toBeLessThanOrEqual(900);
    expect(text).toMatch(/^`#1` /);
    expect(text).toMatch(/\n… \d+ more …\n/);
    expect(text).toContain("`#60`");
  });
});

test("an entry with hundreds of groups hides nothing of what the principal would be", () => {
  const groups = Array.from({ length: 300 }, (_, index) => `team-${index}`);
  const preview = aPreview({ today: { username: "dev", groups } });

  const text = textOfBlocks(statusAnswer({ request: aPreviewedRequest({ preview }), events: [], acts: [] }));

  expect(text).toContain("*After* `eks-access:111122223333:engineer` with `eks-access:viewers`");
  expect(text).toMatch(/\*Before\* `dev` with `team-0`.*, \d+ more\n/);
});

test("the difference shows what would rearrange or hide a part of it, such as in a comment of aws-auth", () => {
  const diff = "+ - admins # \u202erebmem\u200b\n\t- viewers\u00a0\u001b[2J\r";
  const request = aPreviewedRequest({ preview: aPreview({ diff }) });

  expect(JSON.stringify(statusAnswer({ request, events: [], acts: [] }))).toContain(
    JSON.stringify("+ - admins # \\u202erebmem\\u200b\n\t- viewers\\u00a0\\u001b[2J\\u000d"),
  );
});

test("a change says where it is made: in aws-auth, or in the access entry", () => {
  const told = (way: "aws-auth" | "access-entry") =>
    textOfBlocks(statusAnswer({ request: aPreviewedRequest({ preview: aPreview({ way }) }), events: [], acts: [] }));

  expect(told("aws-auth")).toContain("*Change to aws-auth*");
  expect(told("access-entry")).toContain("*Change to the access entry*");
});
