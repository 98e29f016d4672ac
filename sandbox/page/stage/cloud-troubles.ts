import { stsError } from "../../aws/refusal.ts";
import type { FaultAnswer, Faults } from "../../faults.ts";
import { arns, externalId } from "../../scene.ts";
import type { DocumentWatch } from "./document-watch.ts";
import { note } from "./edits.ts";
import type { Stage } from "./stage.ts";
import { armed, lasting, type Trouble } from "./troubles.ts";

/** What AWS and the API server do to the worker. */
export function cloudTroubles({ sandbox, changes }: Stage, document: DocumentWatch): readonly Trouble[] {
  const { faults } = sandbox;
  return [
    armed(
      {
        id: "conflict",
        title: "A conflict",
        explains:
          "Somebody edits aws-auth in the very moment of the next write. The API server answers 409, and the worker plans anew.",
        does: "At the next write",
        undoes: "Call it off",
      },
      (struck) =>
        faults.plan(
          "kubernetes.replace-configmap",
          { type: "watch" },
          {
            onStrike: async () => {
              await document.edit(note);
              struck(true);
            },
          },
        ),
      changes.announce,
    ),
    throttling(faults),
    lasting(
      {
        id: "denied",
        title: "AccessDenied",
        explains:
          "The role that created the cluster stops trusting the worker. The message says what to check, and a request after it is mended works.",
        does: "Stop trusting",
        undoes: "Trust again",
      },
      {
        begin: async () => sandbox.aws.account.setTrust(arns.creator, { principals: [] }),
        end: async () => sandbox.aws.account.setTrust(arns.creator, { principals: [arns.worker], externalId }),
      },
    ),
  ];
}

function throttling(faults: Faults): Trouble {
  const answer: FaultAnswer = { type: "answer", ...stsError("Throttling", "Rate exceeded") };
  let planned: { cancel: () => void } | undefined;
  return lasting(
    {
      id: "throttle",
      title: "AWS throttles",
      explains:
        "STS answers “Rate exceeded” to whoever becomes the creator. The message says why it waits, and when it tries again.",
      does: "Throttle",
      undoes: "Let go",
    },
    {
      begin: async () => {
        planned = faults.plan("sts.AssumeRole", answer, { times: Number.POSITIVE_INFINITY });
      },
      end: async () => planned?.cancel(),
    },
  );
}
