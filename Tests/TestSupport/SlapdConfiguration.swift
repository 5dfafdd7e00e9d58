// The configuration and the first entries of a throw-away slapd.

/// What a throw-away slapd is like.
public struct SlapdOptions: Sendable {
    /// Operations that the session log keeps; `nil`: no session log.
    public var sessionLog: Int? = 1000
    /// Whether the database offers content synchronisation.
    public var offersSync = true
    /// Size limit for everybody; `nil`: none.
    public var sizeLimit: Int?
    /// The server's certificate; `nil`: no TLS.
    public var certificate: CertificateKind?
    /// Whether failed binds and lock-outs are kept (overlay ppolicy).
    public var ppolicy = false
    /// Whether cn=monitor counts operations.
    public var monitor = false
    /// How many people there are at the beginning: user1, user2 and so on.
    public var people = 0
    /// Further entries at the beginning, in LDIF.
    public var ldif = ""

    /// A slapd with a session log and nothing else.
    public init() {}
}

extension SlapdOptions {
    /// cn=config.
    func configuration(_ folder: String, _ tls: (certificate: String, key: String)?) -> String {
        let owner =
            "gidNumber=\(groupID)+uidNumber=\(userID),cn=peercred,cn=external,cn=auth"
        let secured = tls.map {
            "olcTLSCertificateFile: \($0.certificate)\nolcTLSCertificateKeyFile: \($0.key)\n"
        }
        var text = """
            dn: cn=config
            objectClass: olcGlobal
            cn: config
            olcPidFile: \(folder)/slapd.pid
            \(secured ?? "")
            dn: cn=module{0},cn=config
            objectClass: olcModuleList
            cn: module{0}
            olcModulePath: /usr/lib/ldap
            olcModuleLoad: back_mdb
            olcModuleLoad: syncprov
            olcModuleLoad: ppolicy
            \(monitor ? "olcModuleLoad: back_monitor\n" : "")
            dn: cn=schema,cn=config
            objectClass: olcSchemaConfig
            cn: schema

            include: file:///etc/ldap/schema/core.ldif
            include: file:///etc/ldap/schema/cosine.ldif
            include: file:///etc/ldap/schema/nis.ldif
            include: file:///etc/ldap/schema/inetorgperson.ldif

            dn: olcDatabase={0}config,cn=config
            objectClass: olcDatabaseConfig
            olcDatabase: {0}config
            olcAccess: to * by dn.exact=\(owner) manage

            dn: olcDatabase={1}mdb,cn=config
            objectClass: olcDatabaseConfig
            objectClass: olcMdbConfig
            olcDatabase: {1}mdb
            olcDbDirectory: \(folder)/db
            olcSuffix: \(SlapdServer.suffix)
            olcRootDN: \(SlapdServer.adminDN)
            olcRootPW: \(SlapdServer.adminPassword)
            olcDbMaxSize: 4294967296
            olcDbNosync: TRUE
            olcDbIndex: objectClass,uid,uidNumber,gidNumber,member,entryCSN,entryUUID eq
            olcSizeLimit: \(sizeLimit.map(String.init) ?? "unlimited")
            olcAccess: to attrs=userPassword by anonymous auth by * none
            olcAccess: to * by * read

            """
        if offersSync {
            text += """

                dn: olcOverlay={0}syncprov,olcDatabase={1}mdb,cn=config
                objectClass: olcOverlayConfig
                objectClass: olcSyncProvConfig
                olcOverlay: {0}syncprov
                \(sessionLog.map { "olcSpSessionlog: \($0)" } ?? "olcSpCheckpoint: 1000 60")

                """
        }
        if monitor {
            text += """

                dn: olcDatabase={2}monitor,cn=config
                objectClass: olcDatabaseConfig
                olcDatabase: {2}monitor
                olcAccess: to * by * read

                """
        }
        if ppolicy {
            text += """

                dn: olcOverlay={1}ppolicy,olcDatabase={1}mdb,cn=config
                objectClass: olcOverlayConfig
                objectClass: olcPPolicyConfig
                olcOverlay: {1}ppolicy
                olcPPolicyDefault: cn=default,\(SlapdServer.suffix)

                """
        }
        return text
    }

    /// The entries at the beginning.
    func entries() -> String {
        var text = """
            dn: \(SlapdServer.suffix)
            objectClass: dcObject
            objectClass: organization
            dc: example
            o: Example

            dn: \(SlapdServer.people)
            objectClass: organizationalUnit
            ou: people

            dn: \(SlapdServer.groups)
            objectClass: organizationalUnit
            ou: groups

            dn: \(SlapdServer.syncDN)
            objectClass: organizationalRole
            objectClass: simpleSecurityObject
            cn: sync
            userPassword: \(SlapdServer.syncPassword)

            dn: cn=default,\(SlapdServer.suffix)
            objectClass: organizationalRole
            \(ppolicy ? "objectClass: pwdPolicy\npwdAttribute: userPassword\npwdLockout: TRUE\n" : "")\
            cn: default


            """
        for number in 0..<people { text += Self.person(number + 1) + "\n\n" }
        return text + ldif
    }

    /// A person in LDIF, `user1` for 1.
    public static func person(_ number: Int, below parent: String = SlapdServer.people) -> String {
        """
        dn: uid=user\(number),\(parent)
        objectClass: inetOrgPerson
        objectClass: posixAccount
        objectClass: shadowAccount
        uid: user\(number)
        cn: User \(number)
        sn: \(number)
        givenName: User
        mail: user\(number)@example.org
        uidNumber: \(20000 + number)
        gidNumber: 20000
        homeDirectory: /home/user\(number)
        loginShell: /bin/bash
        userPassword: pw\(number)
        """
    }
}
