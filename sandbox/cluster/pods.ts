import type { SandboxAnswer } from "../http-server.ts";

const names: Readonly<Record<string, readonly string[]>> = {
  default: ["shop-6d4cf56db6-7x2lq", "shop-6d4cf56db6-kq8wd"],
  "kube-system": ["aws-node-4zq7t", "coredns-5d78c9869d-2m9vx", "coredns-5d78c9869d-b6s4h", "kube-proxy-8hw5k"],
};

/** core/v1 Pod, as far as anybody here looks at it. */
interface Pod {
  metadata: { name: string; namespace: string; uid: string; creationTimestamp: string };
  spec: object;
  status: object;
}

/** Every pod that a cluster of the sandbox starts with. */
export function allPods(): Pod[] {
  return Object.keys(names).flatMap(podsOf);
}

/** A PodList of one namespace, or of all. `limit` and `continue` cut it into pages as a real API server does. */
export function listPods(namespace: string | undefined, url: URL, resourceVersion: string): SandboxAnswer {
  const found = (namespace === undefined ? Object.keys(names) : [namespace]).flatMap(podsOf);
  const start = Number(Buffer.from(url.searchParams.get("continue") ?? "", "base64url").toString("latin1"));
  const end = start + (Number(url.searchParams.get("limit")) || found.length);
  const next = { continue: Buffer.from(String(end)).toString("base64url"), remainingItemCount: found.length - end };
  const metadata = { resourceVersion, ...(found.length > end ? next : {}) };
  const list = { kind: "PodList", apiVersion: "v1", metadata, items: found.slice(start, end) };
  return { status: 200, body: JSON.stringify(list) };
}

function podsOf(namespace: string): Pod[] {
  return (names[namespace] ?? []).map((name) => podObject(namespace, name));
}

function podObject(namespace: string, name: string): Pod {
  const container = { name: "main", image: "registry.example/main:1" };
  const state = { ready: true, restartCount: 0, imageID: "", state: {} };
  const uid = `00000000-0000-4000-8000-${Buffer.from(name).toString("hex").slice(-12)}`;
  return {
    metadata: { name, namespace, uid, creationTimestamp: "2026-01-01T08:00:00Z" },
    spec: { containers: [container], nodeName: "ip-10-0-1-2.eu-central-1.compute.internal" },
    status: { phase: "Running", podIP: "10.0.1.17", containerStatuses: [{ ...container, ...state }] },
  };
}
