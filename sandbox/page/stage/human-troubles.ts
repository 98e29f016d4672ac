import type { DocumentWatch } from "./document-watch.ts";
import { addTeam, breakYaml, hasTeam, isBroken, mendYaml, removeTeam, removeUsers } from "./edits.ts";
import type { Stage } from "./stage.ts";
import { deed, lasting, type Trouble } from "./troubles.ts";

/** What people do to the document behind the product's back. */
export function humanTroubles({ sandbox: { cluster } }: Stage, document: DocumentWatch): readonly Trouble[] {
  return [
    lasting(
      {
        id: "edit",
        title: "Somebody's kubectl edit",
        explains: "A colleague adds an entry by hand. It stays, byte for byte, whatever eks-access writes after it.",
        does: "Edit by hand",
        undoes: "Take it back",
      },
      {
        begin: () => document.edit(addTeam),
        end: () => document.edit(removeTeam),
        isOn: () => hasTeam(cluster.awsAuth()),
      },
    ),
    deed(
      {
        id: "drift",
        title: "Somebody removes a grant",
        explains:
          "A colleague deletes mapUsers. eks-access notices at its next look, here each 15 seconds, and says so in the channel.",
        does: "Delete mapUsers",
        undoes: "",
      },
      () => document.edit(removeUsers),
      () =>
        cluster.awsAuth()?.data?.mapUsers ? undefined : "There is no mapUsers to delete now: approve a request first.",
    ),
    lasting(
      {
        id: "yaml",
        title: "Broken YAML",
        explains:
          "A colleague leaves a quotation mark open. No role can sign in; eks-access gives nothing meanwhile, and says where the mistake is.",
        does: "Break it",
        undoes: "Mend it",
      },
      {
        begin: () => document.edit(breakYaml),
        end: () => document.edit(mendYaml),
        isOn: () => isBroken(cluster.awsAuth()),
      },
    ),
  ];
}
