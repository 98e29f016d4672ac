import type { ModalView } from "@slack/types";
import type { Cluster } from "../../access/policy/cluster.ts";
import { breakGlassFor } from "../../access/policy/rule.ts";
import { formatDuration } from "../../access/request/extension.ts";
import { maxReasonLength } from "../../access/request/read-part.ts";
import { withinTime } from "../../operations/deadlines.ts";
import { answerSubmission, type ButtonClick, openOnClick, type Submission } from "../app/answer.ts";
import type { SlackContext } from "../app/context.ts";
import { personShown } from "../people/requester-facts.ts";
import { answer, messageModal, text } from "../show/message.ts";
import { code, section } from "../show/mrkdwn.ts";
import { emergencyMistakes, takeAccess } from "./break-glass.ts";

export const breakGlassModalId = "break-glass";

/** Slack takes no more options in a list. */
const maxOptions = 100;

export function handleBreakGlassButton(context: SlackContext, click: ButtonClick): Promise<void> {
  return openOnClick(context, click, async () => {
    const person = await personShown(context, click.body.user.id);
    const clusters = [...context.config.clusters.values()].filter((cluster) => breakGlassFor(cluster, person));
    return clusters.length > 0
      ? breakGlassModal(clusters.slice(0, maxOptions))
      : messageModal("Emergency access", answer("The policy gives you no emergency access. Ask for access instead."));
  });
}

/** The form is the confirmation: it shows the effect. The policy names the level. */
function breakGlassModal(clusters: readonly Cluster[]): ModalView {
  const options = clusters.map(({ name }) => ({ text: text(name), value: name }));
  const [first] = options;
  const levels = clusters.flatMap(({ name, breakGlass: may }) =>
    may ? [`${code(name)}: ${code(may.level)} for ${formatDuration(may.durationSeconds)}`] : [],
  );
  return {
    type: "modal",
    callback_id: breakGlassModalId,
    title: text("Emergency access"),
    submit: text("Take it now"),
    close: text("Cancel"),
    blocks: [
      section(
        `:rotating_light: You get access at once, without an approval. I alert the channel, and an approver reviews it.\n${levels.slice(0, 20).join("\n")}`,
      ),
      {
        type: "input",
        block_id: "cluster",
        label: text("Cluster"),
        element: { type: "static_select", action_id: "value", options, ...(first && { initial_option: first }) },
      },
      {
        type: "input",
        block_id: "reason",
        label: text("Why"),
        element: { type: "plain_text_input", action_id: "value", multiline: true, max_length: maxReasonLength },
      },
      {
        type: "input",
        block_id: "principal",
        optional: true,
        label: text("IAM role or user, if it is not your linked one"),
        element: { type: "plain_text_input", action_id: "value" },
      },
    ],
  };
}

/** Slack waits three seconds for the answer to a form. In milliseconds. */
const readingMs = 1_000;

export async function handleBreakGlassSubmission(context: SlackContext, submission: Submission): Promise<void> {
  const { values } = submission.view.state;
  const user = submission.body.user.id;
  const cluster = values.cluster?.value?.selected_option?.value ?? "";
  const principal = values.principal?.value?.value?.trim() || undefined;
  const reason = (values.reason?.value?.value ?? "").trim().replace(/\s+/g, " ");
  const parts = { cluster, principal, reason };
  // A failure here fails or works below.
  const errors = await withinTime(
    emergencyMistakes(context, user, parts).catch(() => ({})),
    readingMs,
    {},
  );
  if (Object.keys(errors).length > 0) return submission.ack({ response_action: "errors", errors });
  return answerSubmission(context, submission, "Emergency access", () => takeAccess(context, user, parts));
}
