import { type ConfigMapFile, readConfigMapFile } from "../../src/aws-auth/config-map.ts";

/** Reads a file that is known to be in order. */
export function read(text: string | null): ConfigMapFile {
  if (text === null) throw new Error("It was not written.");
  const reading = readConfigMapFile(text);
  if (reading.type === "unusable") throw new Error(reading.message);
  return reading.file;
}

const head = "# ours\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: aws-auth # of the cluster\n";

/** A file that holds two lines in mapRoles, in one of the forms that people have it in. */
export function fileOf(form: string): ConfigMapFile {
  const yaml = `${head}data:\n    # first\n    mapRoles: |\n        one\n        two\n    notes: "x"\n`;
  switch (form) {
    case "json":
      return read('{"kind": "ConfigMap", "metadata": {"name": "aws-auth"}, "data": {"mapRoles": "one\\ntwo\\n"}}');
    case "flow":
      return read(`${head}data: {mapRoles: one}\n`);
    case "bare":
      return read("mapRoles: |\n  one\n  two\n");
    case "second":
      return read(`kind: Secret\n---\n${yaml}---\nkind: Service\n`);
    default:
      return read(yaml);
  }
}
