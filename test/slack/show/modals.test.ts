import type { ModalView } from "@slack/types";
import { describe, expect, test } from "vitest";
import { problemsOfView } from "../../../sandbox/slack/block-limits.ts";
import { emptyForm } from "../../../src/slack/ask/form.ts";
import { requestModal } from "../../../src/slack/ask/request-modal.ts";
import { revokeModal } from "../../../src/slack/decide/end-access.ts";
import { denyModal, detailsModal, failureAnswer, messageModal } from "../../../src/slack/show/message.ts";
import { aCluster, aLevel } from "../../builders/a-cluster.ts";
import { aPreviewedRequest } from "../../builders/a-request.ts";
import { linesOfView } from "./text-of-blocks.ts";

const engineer = "arn:aws:iam::111122223333:user/engineer";
const value = JSON.stringify({ request: "r-1", digest: "d".repeat(64) });
const levels = [
  { ...aLevel(), permanent: true },
  { ...aLevel({ name: "admin", maxDurationSeconds: 3600 }), permanent: false },
];
const ticket = { need: "required", pattern: "OPS-[0-9]+" } as const;
const offers = [{ cluster: aCluster({ ticket }), person: { user: "U0ENGINEER", memberships: [] }, levels }];
const path = "arn:aws:iam::111122223333:role/teams/developers";

describe("what is asked in a form", () => {
  test.each<[string, ModalView]>([
    ["why a request is denied", denyModal(value)],
    ["why access ends", revokeModal(aPreviewedRequest())],
    ["everything about a request", detailsModal("r-1", failureAnswer("its status"), failureAnswer("a notice"))],
    ["a message over App Home", messageModal("eks-access", failureAnswer("something failed"))],
    ["a request, as it opens", requestModal(emptyForm, offers)],
    ["a request, once there is a level", requestModal({ ...emptyForm, level: "viewer", principal: engineer }, offers)],
    ["a request for an ARN with a path", requestModal({ ...emptyForm, level: "admin", principal: path }, offers)],
  ])("%s", (_, view) => {
    expect(problemsOfView(view)).toEqual([]);
    expect(linesOfView(view)).toMatchSnapshot();
  });
});
