import { App, Validations } from 'aws-cdk-lib'
import { RolecastPlugin } from 'rolecast/cdk'
import { ApiStack } from '../lib/api-stack.js'

const app = new App()
// Ties and other mistakes in groups and roles end the synthesis.
Validations.of(app).addPlugins(new RolecastPlugin())
new ApiStack(app, 'Api')
app.synth()
