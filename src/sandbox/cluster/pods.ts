import type { SandboxAnswer } from "../http-server.ts";

const pods: Readonly<Record<string, readonly string[]>> = {
  default: ["shop-6d4cf56db6-7x2lq", "shop-6d4cf56db6-kq8wd"],
  "kube-system": ["aws-node-4zq7t", "coredns-5d78c9869d-2m9vx", "coredns-5d78c9869d-b6s4h", "kube-proxy-8hw5k"],
};

/** A PodList of one namespace, or of all. `limit` cuts it as a real API server does. */
export function listPods(namespace: string | undefined, url: URL, resourceVersion: string): SandboxAnswer {
  const namespaces = namespace === undefined ? Object.keys(pods) : [namespace];
  const items = namespaces.flatMap((home) => (pods[home] ?? []).map((name) => podObject(home, name)));
  const limit = Number(url.searchParams.get("limit") ?? 0) || items.length;
  const more =
    items.length > limit
      ? { continue: Buffer.from(String(limit)).toString("base64url"), remainingItemCount: items.length - limit }
      : {};
  const metadata = { resourceVersion, ...more };
  return {
    status: 200,
    body: JSON.stringify({ kind: "PodList", apiVersion: "v1", metadata, items: items.slice(0, limit) }),
  };
}

function podObject(namespace: string, name: string): object {
  const container = {
    name: "main",
    image: "registry.example/main:1",
    ready: true,
    restartCount: 0,
    imageID: "",
    state: {},
  };
  return {
    metadata: {
      name,
      namespace,
      uid: `00000000-0000-4000-8000-${Buffer.from(name).toString("hex").slice(-12)}`,
      creationTimestamp: "2026-01-01T08:00:00Z",
    },
    spec: {
      containers: [{ name: container.name, image: container.image }],
      nodeName: "ip-10-0-1-2.eu-central-1.compute.internal",
    },
    status: { phase: "Running", podIP: "10.0.1.17", containerStatuses: [container] },
  };
}
