import type { ConfigMap, SentConfigMap } from "../../cluster/config-map.ts";
import type { SandboxCluster } from "../../cluster/sandbox-cluster.ts";
import { type DocumentState, linesOf } from "../cluster/document.ts";

/** Remembers what `aws-auth` was before its last change, and who made it. */
export interface DocumentWatch {
  state: () => DocumentState;
  /** Edits the document as somebody with `kubectl edit`, so that the change is known to be theirs. */
  edit: (change: (configMap: SentConfigMap) => SentConfigMap) => Promise<void>;
}

export function watchDocument(cluster: SandboxCluster, changed: () => void): DocumentWatch {
  let editor = "the worker";
  let state: DocumentState = { now: cluster.awsAuth(), before: null, last: null };
  cluster.onChange((now: ConfigMap | null) => {
    // A write that changes nothing to see, as that of a seal alone, does not hide the one before it.
    const same = linesOf(now).join("\n") === linesOf(state.now).join("\n");
    state = same ? { ...state, now } : { now, before: state.now, last: { by: editor, at: new Date() } };
    changed();
  });
  return {
    state: () => state,
    edit: async (change) => {
      editor = "somebody with kubectl edit";
      try {
        await cluster.editAwsAuth(change);
      } finally {
        editor = "the worker";
      }
    },
  };
}
