"""The verbs of the command pgwitness, a module for each: options, what is printed, how it exits.

What they share, `generator.command_line` has; how a thing is done, the modules that they call.
"""
