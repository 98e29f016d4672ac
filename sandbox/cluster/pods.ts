const names: Readonly<Record<string, readonly string[]>> = {
  default: ["shop-6d4cf56db6-7x2lq", "shop-6d4cf56db6-kq8wd"],
  "kube-system": ["aws-node-4zq7t", "coredns-5d78c9869d-2m9vx", "coredns-5d78c9869d-b6s4h", "kube-proxy-8hw5k"],
};

/** core/v1 Pod. */
interface Pod {
  metadata: { name: string; namespace: string; uid: string; creationTimestamp: string };
  spec: object;
  status: object;
}

export function allPods(): Pod[] {
  return Object.keys(names).flatMap(podsOf);
}

export function podsOf(namespace: string): Pod[] {
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
