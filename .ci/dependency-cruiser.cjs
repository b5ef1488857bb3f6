const layers = require('./layers.cjs');
const names = Object.keys(layers);
const rx = (s) => s.replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&');
const CORE_OK_IN_PURE = '^(node:)?(buffer|crypto|util|assert)$';
const own = (m) => {
  const inner = names.filter((n) => n.startsWith(`${m}/`)).map((n) => n.slice(m.length + 1));
  return inner.length ? `^src/${rx(m)}/(?!(${inner.map(rx).join('|')})/)` : `^src/${rx(m)}/`;
};
const face = (m) => `^src/${rx(m)}/index\\.ts$`;
const rules = [
  { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
  { name: 'resolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
  {
    name: 'in-the-table',
    severity: 'error',
    from: { path: '^src/', pathNot: ['^src/main\\.ts$', ...names.map(own)] },
    to: {},
  },
  {
    name: 'nobody-imports-main',
    severity: 'error',
    from: { path: '^src/', pathNot: '^src/cli/' },
    to: { path: '^src/main\\.ts$' },
  },
  { name: 'src-not-to-test', severity: 'error', from: { path: '^src/' }, to: { path: '^test/' } },
  {
    name: 'main-uses-faces',
    severity: 'error',
    from: { path: '^src/main\\.ts$' },
    to: { path: '^src/', pathNot: names.map(face) },
  },
];
for (const m of names) {
  const { imports, pure } = layers[m];
  rules.push({
    name: `layer:${m}`,
    severity: 'error',
    from: { path: own(m) },
    to: { path: '^src/', pathNot: [own(m), ...imports.map(face)] },
  });
  const mine = layers[m].vendors ?? [];
  rules.push({
    name: `vendor:${m}`,
    severity: 'error',
    from: { path: own(m) },
    to: {
      path: 'node_modules/',
      ...(mine.length ? { pathNot: mine.map((v) => `node_modules/(@types/)?${rx(v)}(/|$)`) } : {}),
    },
  });
  if (pure)
    rules.push({
      name: `pure:${m}`,
      severity: 'error',
      from: { path: own(m) },
      to: { dependencyTypes: ['core'], pathNot: CORE_OK_IN_PURE },
    });
}
module.exports = {
  forbidden: rules,
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: {
      extensions: ['.ts', '.js', '.json'],
      conditionNames: ['import', 'types', 'node', 'default'],
      exportsFields: ['exports'],
    },
  },
};
