/** The formats of what `rolecast validate` finds. */
export const FORMATS = ['text', 'json', 'sarif', 'github', 'gitlab', 'junit', 'markdown'] as const
