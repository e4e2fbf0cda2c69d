import { exampleRoutes } from '../.vitepress/examples.js'

export default { watch: ['../examples/**'], paths: exampleRoutes }
