/**
 * The flags of Node that the gateway runs with. By itself V8 lets what is new in a thread grow to 48 MB, and keeps it after
 * a storm of which nothing is to be kept; half of it costs no time that could be measured.
 */
export const NODE_FLAGS = ['--disable-warning=ExperimentalWarning', '--max-semi-space-size=8'];
