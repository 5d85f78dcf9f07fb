/**
 * What of node:http is used as a value, taken without an import: that reads every name the module has, WebSocket among
 * them, and so loads all of Node's HTTP client (undici), 17 MB that nothing here asks for.
 */
export const { createServer, METHODS, STATUS_CODES } = process.getBuiltinModule('node:http');
