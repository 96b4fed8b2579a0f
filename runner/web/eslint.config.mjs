import js from "@eslint/js";
import { defineConfig } from "eslint/config";
import typescript from "typescript-eslint";

export default defineConfig(
  { ignores: ["node_modules/", "**/*.d.ts", "*.mjs"] },
  js.configs.recommended,
  typescript.configs.recommendedTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      // TypeScript itself checks names, and knows which globals exist.
      "no-undef": "off",
      "no-eval": "error",
      "no-implied-eval": "error",
      "no-new-func": "error",
      eqeqeq: "error",
      "@typescript-eslint/no-floating-promises": "error",
      // A backend's entry points are promises by contract, whether or not it has to wait.
      "@typescript-eslint/require-await": "off",
    },
  },
);
