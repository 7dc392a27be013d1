import { defineConfig } from "vitest/config";

export default defineConfig({
  base: "./", // wherever it is served from
  build: {
    target: "es2024",
    assetsInlineLimit: 0, // a policy without data: URLs is a better one
    emptyOutDir: true,
  },
  test: { include: ["test/**/*.test.ts"], setupFiles: ["test/setup.ts"], testTimeout: 20_000 },
});
