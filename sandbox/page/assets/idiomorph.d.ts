// The page loads it with its own files; see ../server.ts.
export { Idiomorph } from "idiomorph";
