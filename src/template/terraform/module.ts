import type { Infrastructure } from '../../rules/infrastructure.js'
import type { TerraformFile, TerraformSourceOptions } from './source.js'

/**
 * Reads the files of one Terraform module, which is one folder: its `.tf`, `.tofu` and `.tfvars` files together, because variables
 * and roles are often in separate files. For several folders, whose modules call each other, use `readProject`.
 *
 * Values are evaluated from literals, variable files, locals and other resources; a `for_each` or `count` that can be evaluated
 * gives its instances. The default of a variable is one possibility. What cannot be evaluated is unknown, or a note; called
 * modules are not followed.
 *
 * A module that has neither Cognito nor IAM resources is not parsed at all.
 *
 * @throws RolecastError, as a rejection: `invalid-input` for anything other than HCL 2
 * @see https://developer.hashicorp.com/terraform/language/syntax/configuration
 * @example
 * import { readTerraformModule } from 'rolecast/template'
 *
 * const text = `
 *   resource "aws_cognito_user_group" "admins" {
 *     name         = "admins"
 *     user_pool_id = "eu-west-1_Ab12Cd34e"
 *   }`
 * const { groups } = await readTerraformModule([{ path: 'groups.tf', text }])
 * console.log(groups[0]?.id) // aws_cognito_user_group.admins
 */
export async function readTerraformModule(
  files: readonly TerraformFile[],
  options: TerraformSourceOptions = {},
): Promise<Infrastructure> {
  // The evaluator and its parser are loaded when there is Terraform source to read.
  return (await import('./source.js')).readTerraformModule(files, options)
}
