/** The formats in which `rolecast validate` reports findings. */
export const FORMATS = ['text', 'json', 'sarif', 'github', 'gitlab', 'junit', 'markdown'] as const
