/**
 * The package as users get it: what was built, by its place.
 *
 * By its place, since this folder is a package of its own (package.json names what is compared
 * with), and a package finds only itself by name.
 */
export * from '../../dist/bindings/node/index.js'
