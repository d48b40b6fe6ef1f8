import type { Route } from './route.ts';

/** Routes by path: exact ones first, then the longest prefix. */
export class RouteTable {
  readonly #exact = new Map<string, Route>();
  readonly #prefixes: Route[];

  constructor(routes: readonly Route[]) {
    for (const route of routes) {
      if (this.#exact.has(route.path)) throw new Error(`two routes for ${route.path}`);
      this.#exact.set(route.path, route);
    }
    this.#prefixes = routes
      .filter(({ path }) => path.endsWith('/') && path !== '/')
      .toSorted((a, b) => b.path.length - a.path.length);
  }

  get routes(): readonly Route[] {
    return [...this.#exact.values()];
  }

  find(path: string): Route | undefined {
    return this.#exact.get(path) ?? this.#prefixes.find((route) => path.startsWith(route.path));
  }
}
