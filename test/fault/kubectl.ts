import { arnOf } from "./reconcile-scene.ts";

const foreignEntry = `- userarn: ${arnOf("sre")} # on call
  username: sre
  groups: [sre]
`;

/** What people do to the document with kubectl, past all of us. */
export const edits: Readonly<Record<string, (mapUsers: string) => string>> = {
  "adds an entry": (mapUsers) => `${mapUsers}${foreignEntry}`,
  "adds a comment": (mapUsers) => `# who is who\n${mapUsers}`,
  "takes our entry out": (mapUsers) => mapUsers.replace(/^- userarn: "[^"]*user\/engineer"\n(?: +.*\n)*/m, ""),
};
