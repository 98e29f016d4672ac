import { issueCertificates } from "../../../../sandbox/cluster/certificate.ts";
import type { AwsAuthWebhook } from "../../../../sandbox/cluster/cluster.ts";
import { Faults } from "../../../../sandbox/faults.ts";
import { type SandboxRequest, startSandboxServer } from "../../../../sandbox/http-server.ts";

const webhookName = "aws-auth.sandbox.invalid";

/** A server of admission reviews (Kubernetes docs, "Dynamic Admission Control"). */
export interface Webhook {
  change: AwsAuthWebhook | null;
  /** The MutatingWebhookConfiguration that names it. */
  readonly configuration: object;
  /** Whether the API server has asked it. */
  isAsked(): boolean;
  stop(): Promise<void>;
}

export async function startWebhook(): Promise<Webhook> {
  const tls = issueCertificates(new Date());
  let isAsked = false;
  const answer = (request: SandboxRequest) => {
    isAsked = true;
    return { status: 200, body: JSON.stringify(review(request, webhook.change)) };
  };
  const server = await startSandboxServer({
    ...{ faults: new Faults(), tls },
    route: (request) => ({ call: "kubernetes.admission", answer: () => answer(request) }),
  });
  const webhook: Webhook = {
    change: null,
    configuration: configurationOf(server.url, tls.authority),
    isAsked: () => isAsked,
    stop: server.stop,
  };
  return webhook;
}

function configurationOf(url: string, authority: string): object {
  const updates = { apiGroups: [""], apiVersions: ["v1"], resources: ["configmaps"], operations: ["UPDATE"] };
  return {
    metadata: { name: webhookName },
    webhooks: [
      {
        name: webhookName,
        clientConfig: { url, caBundle: Buffer.from(authority).toString("base64") },
        rules: [updates],
        // Without this the API server refuses each dry run.
        sideEffects: "NoneOnDryRun",
        admissionReviewVersions: ["v1"],
      },
    ],
  };
}

interface AdmissionReview {
  readonly request: {
    readonly uid: string;
    readonly name: string;
    readonly dryRun: boolean;
    readonly object: { readonly data?: Readonly<Record<string, string>> };
  };
}

function review({ body }: SandboxRequest, change: AwsAuthWebhook | null): object {
  const { request } = JSON.parse(body.toString("utf8")) as AdmissionReview;
  const { uid, name, dryRun, object } = request;
  const value = name === "aws-auth" && !dryRun ? change?.(object.data ?? {}) : undefined;
  const patch = value && Buffer.from(JSON.stringify([{ op: "add", path: "/data", value }])).toString("base64");
  const response = { uid, allowed: true, ...(patch && { patchType: "JSONPatch", patch }) };
  return { apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview", response };
}
