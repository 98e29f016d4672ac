import { describe, expect, test } from "vitest";
import type { AccessRequest, Preview } from "../../src/access/record.ts";
import { isGenuinePreview, sealPreview } from "../../src/access/seals.ts";
import { aCluster } from "../builders/a-cluster.ts";
import { aPreviewedRequest, changed } from "../builders/a-request.ts";
import { keys, otherKeys } from "../builders/keys.ts";
import { hours } from "../builders/times.ts";

/** A request as the worker leaves it, with a preview that it sealed. */
function aGenuineRequest(from = keys): AccessRequest & { readonly preview: Preview } {
  const request = aPreviewedRequest();
  if (!request.preview) throw new Error("The builder's request has no preview.");
  return { ...request, preview: sealPreview(request, request.preview, from.preview) };
}

const genuine = aGenuineRequest();
const holds = (request: AccessRequest) => isGenuinePreview(request, aCluster(), keys.preview);

test("approvers see the worker's preview of exactly this request", () => {
  expect(holds(genuine)).toBe(true);
  expect(holds(JSON.parse(JSON.stringify(genuine)))).toBe(true);
});

describe("an attacker with Redis can't show one change and get another approved:", () => {
  test.each<[string, Partial<AccessRequest>]>([
    ["another principal", { principal: "arn:aws:iam::111122223333:user/intruder" }],
    ["another person", { requester: "U0ONCALL" }],
    ["other groups", { groups: ["system:masters"] }],
    ["another level", { level: "admin" }],
    ["a level that there is not", { level: "root" }],
    ["a longer time", { durationSeconds: hours(8) }],
    ["another reason", { reason: "a harmless one" }],
    ["the preview of another request", { id: "r-2" }],
    ["no preview", { preview: null }],
  ])("%s", (_, change) => {
    expect(holds(changed(genuine, change))).toBe(false);
  });

  test.each<[string, Partial<Preview>]>([
    ["another difference", { diff: "nothing changes" }],
    ["fewer warnings", { warnings: ["nothing to see"] }],
    ["another identity before", { today: { username: "admin", groups: [] } }],
    ["another identity after", { afterwards: { username: "harmless", groups: [] } }],
    ["other rights of the groups", { rights: [] }],
    ["another base", { base: { username: "dev", groups: [] } }],
    ["another digest", { digest: "e".repeat(64) }],
    ["no seal", { seal: "" }],
  ])("a preview with %s", (_, change) => {
    expect(holds({ ...genuine, preview: { ...genuine.preview, ...change } })).toBe(false);
  });

  test("a preview sealed with a key of their own", () => {
    expect(holds(aGenuineRequest(otherKeys))).toBe(false);
  });
});
