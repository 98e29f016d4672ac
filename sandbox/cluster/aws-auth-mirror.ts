import type { ClusterAdmin } from "./cluster-admin.ts";
import type { ConfigMap } from "./config-map.ts";
import type { SandboxCluster } from "./sandbox-cluster.ts";

/** The live aws-auth of a real API server, read again after each write, so that nobody has to wait for it. */
export class AwsAuthMirror {
  readonly #admin: ClusterAdmin;
  readonly #listeners = new Set<(configMap: ConfigMap | null) => void>();
  #configMap: ConfigMap | null = null;

  constructor(admin: ClusterAdmin) {
    this.#admin = admin;
  }

  get configMap(): ConfigMap | null {
    return this.#configMap;
  }

  async refresh(): Promise<void> {
    const found = (await this.#admin.readAwsAuth()) ?? null;
    if (found?.metadata.resourceVersion === this.#configMap?.metadata.resourceVersion) return;
    this.#configMap = found;
    for (const listener of this.#listeners) listener(found);
  }

  /** The part of a cluster that is about aws-auth. */
  methods(): Pick<SandboxCluster, "awsAuth" | "editAwsAuth" | "deleteAwsAuth" | "onChange"> {
    return {
      awsAuth: () => this.#configMap,
      editAwsAuth: async (edit, manager = "kubectl-edit") => {
        await this.#admin.editAwsAuth(edit, manager);
        await this.refresh();
      },
      deleteAwsAuth: async () => {
        await this.#admin.deleteAwsAuth();
        await this.refresh();
      },
      onChange: (listener) => {
        this.#listeners.add(listener);
        return () => void this.#listeners.delete(listener);
      },
    };
  }
}
