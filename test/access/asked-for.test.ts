import { describe, expect, test } from "vitest";
import { checkApproval } from "../../src/access/approvals.ts";
import { othersWhoMayApprove, refuseDecision } from "../../src/access/decide.ts";
import { judgeCancel, judgeRevoke } from "../../src/access/lease/revoke.ts";
import { actsOf, maySeeRequest } from "../../src/access/policy/permissions.ts";
import type { AccessRequest } from "../../src/access/record.ts";
import { isGenuinePreview, sealPreview } from "../../src/access/seals.ts";
import { aCluster, aLevel } from "../builders/a-cluster.ts";
import { aLeasedRequest, anApprovedRequest, aPreviewedRequest, digestNow } from "../builders/a-request.ts";
import { keys } from "../builders/keys.ts";
import { at, minutes } from "../builders/times.ts";

/** `U0APPROVER2` asks for `U0ENGINEER`. */
const askedBy = "U0APPROVER2";
const cluster = aCluster();
const now = at(minutes(3));
const valid = (request: AccessRequest) =>
  checkApproval(request, cluster, aLevel(), digestNow(request), keys.decision, now);

describe("access that one person asks for another", () => {
  test.each(["U0ENGINEER", askedBy])("is not approved or denied by %s", (by) => {
    const request = aPreviewedRequest({ askedBy });
    const ofApprovers = aCluster({ approvers: ["U0ENGINEER", askedBy, "U0APPROVER"] });

    for (const verdict of ["approved", "denied"] as const) {
      const click = { verdict, by, digest: request.preview?.digest ?? "" };
      expect(refuseDecision(request, ofApprovers, click, now)).toBe("self-approval");
    }
    expect(othersWhoMayApprove(request, ofApprovers)).toEqual(["U0APPROVER"]);
  });

  test("is void with an approval of the person who asked, also if the Slack process sealed it", () => {
    const approved = anApprovedRequest();
    const [approval] = approved.approvals;

    expect(valid({ ...approved, askedBy: approval?.by ?? "" })).toMatchObject({
      type: "void",
      message: "people can't approve their own request",
    });
  });

  test.each([
    ["another person", { askedBy: "U0ONCALL" }],
    ["no one", { askedBy: null }],
  ])("is void, if Redis says that %s asked", (_, forged) => {
    const approved = anApprovedRequest({ askedBy });

    expect(valid(approved)).toEqual({ type: "valid" });
    expect(valid({ ...approved, ...forged })).toMatchObject({ type: "void" });
  });

  test("can't be shown to approvers as another person's request", () => {
    const request = aPreviewedRequest({ askedBy });
    const shown = { ...request, preview: sealPreview(request, request.preview ?? expect.fail(), keys.preview) };

    expect(isGenuinePreview(shown, cluster, keys.preview)).toBe(true);
    expect(isGenuinePreview({ ...shown, askedBy: null }, cluster, keys.preview)).toBe(false);
  });

  test.each(["U0ENGINEER", askedBy])("can be seen, cancelled and ended by %s", (user) => {
    const person = { user, memberships: [] };
    const notTheirs = aCluster({ approvers: ["U0APPROVER"] });

    expect(judgeCancel(aPreviewedRequest({ askedBy }), person).type).toBe("ended");
    expect(judgeRevoke(aLeasedRequest({}, { askedBy }), notTheirs, person, "", now).type).toBe("ended");
    expect(maySeeRequest(aPreviewedRequest({ askedBy }), notTheirs, person)).toBe(true);
  });

  test("is extended by the person who has it alone", () => {
    const request = aLeasedRequest({}, { askedBy });
    const acts = (user: string) => actsOf(request, cluster, { user, memberships: [] }, now);

    expect(acts("U0ENGINEER")).toContain("extend");
    expect(acts(askedBy)).not.toContain("extend");
  });
});
